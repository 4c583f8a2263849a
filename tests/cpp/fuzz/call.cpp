// How a call is made, and what holds for every one. Fuzzing: knows attnrec.h alone.
#include "call.h"

#include <cmath>
#include <string>

namespace attnrec_fuzz {

Call::Call(const char *entry, Bytes &bytes)
    : entry_(entry), by_default_(bytes.one_in(16)), threads_(bytes.one_in(8) ? 3 : 1) {
  static const int64_t kBudgets[] = {0, 0, 0, 1, 4096, 100000, int64_t{1} << 62, -1};
  static const std::size_t kSizes[] = {sizeof(run_), sizeof(run_), sizeof(run_), 16, SIZE_MAX - 7, 0, 12, 8};
  run_.size = kSizes[bytes.one_in(16) ? bytes.below(8) : 0];
  run_.skip_finite_check = bytes.one_in(16);
  run_.memory_budget = bytes.one_of(kBudgets);
  if (bytes.one_in(8)) run_.poll = [](void *data) { return *static_cast<int *>(data); };
  static int goes_on = 0;
  run_.poll_data = &goes_on;
  if (by_default_ || run_.size < 16) run_.skip_finite_check = 0;  // goes unread
}

void *Call::reserve(int64_t rows, int64_t cols, int64_t item_size) {
  int64_t size = 0;
  const bool fits = rows >= 0 && cols >= 0 && !__builtin_mul_overflow(rows, cols, &size) && size < (1 << 20);
  too_large_ = too_large_ || !fits;
  if (!fits) size = 1;
  outs_.push_back({room<char>(size * item_size), nullptr, size * item_size});
  return outs_.back().bytes.get();
}

float *Call::in_place(const float *from, int64_t n) {
  if (from == nullptr) return nullptr;
  void *to = reserve(1, n, sizeof(float));
  outs_.back().before = room<char>(outs_.back().size);
  std::memcpy(outs_.back().before.get(), from, static_cast<std::size_t>(outs_.back().size));
  return static_cast<float *>(to);
}

attnrec_status Call::once(int threads, unsigned char fill,
                          const std::function<attnrec_status(const attnrec_run *)> &call) {
  for (const Room &r : outs_) {
    if (r.size == 0) continue;
    if (r.before != nullptr) std::memcpy(r.bytes.get(), r.before.get(), static_cast<std::size_t>(r.size));
    if (r.before == nullptr) std::memset(r.bytes.get(), fill, static_cast<std::size_t>(r.size));
  }
  run_.num_threads = threads;
  const attnrec_status status = call(by_default_ ? nullptr : &run_);
  require(status >= ATTNREC_OK && status < ATTNREC_FAILED, "the status is none that fits");
  require(status != ATTNREC_CANCELLED, "cancelled, but nobody asked");
  require(status != ATTNREC_NO_MEMORY, "no memory for so little");
  require(status == ATTNREC_OK || attnrec_get_api()->last_error()[0] != '\0', "failed without a message");
  return status;
}

std::vector<char> Call::written() const {
  std::vector<char> out;
  for (const Room &r : outs_) out.insert(out.end(), r.bytes.get(), r.bytes.get() + r.size);
  return out;
}

attnrec_status Call::run(bool finite, const std::function<attnrec_status(const attnrec_run *)> &call) {
  const attnrec_status first = once(threads_, 0x5A, call);
  const std::vector<char> before = written();
  const std::string told = first == ATTNREC_OK ? "" : attnrec_get_api()->last_error();
  const attnrec_status second = once(1, 0xA5, call);
  require(first == second, "the status depends on threads");
  if (first != ATTNREC_OK) {
    require(told == attnrec_get_api()->last_error(), "the message depends on threads");
    return first;
  }
  require(!too_large_, "accepted a result that no memory holds");
  require(finite || !checked(), "accepted NaN or infinity");
  if (finite) require(before == written(), "bits depend on threads, or an element was not written");
  return first;
}

void Call::again(const std::function<attnrec_status(const attnrec_run *)> &call) {
  const std::vector<char> before = written();
  require(once(1, 0x5A, call) == ATTNREC_OK, "another way to ask for the same is refused");
  require(before == written(), "another way to ask for the same gives other bits");
}

void Call::require_numbers(const float *x, int64_t n, const char *what) const {
  for (int64_t i = 0; i < n; ++i) require(!std::isnan(x[i]), what);
}

}  // namespace attnrec_fuzz
