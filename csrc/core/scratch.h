// Aligned scratch buffers, and the memory budget that sizes them. Core: no Python, no ops.
#pragma once
#include <cstddef>
#include <cstdint>
#include <new>
#include <utility>

namespace attnrec {

constexpr std::align_val_t kAlign{64};

// n uninitialised elements of a trivial type, 64-byte aligned. Throws bad_alloc.
template <class T>
class Buffer {
 public:
  Buffer() = default;
  explicit Buffer(int64_t n) : data_(allocate(n)) {}
  Buffer(Buffer &&other) noexcept : data_(std::exchange(other.data_, nullptr)), owned_(other.owned_) {}
  Buffer &operator=(Buffer &&other) noexcept {
    std::swap(data_, other.data_);
    std::swap(owned_, other.owned_);
    return *this;
  }
  Buffer(const Buffer &) = delete;
  Buffer &operator=(const Buffer &) = delete;
  ~Buffer() {
    if (owned_) ::operator delete(data_, kAlign);
  }

  // Memory of somebody else, which has to stay and is only read.
  static Buffer borrowed(const T *data) {
    Buffer out;
    out.data_ = const_cast<T *>(data);
    out.owned_ = false;
    return out;
  }

  T *get() const { return data_; }
  T &operator[](int64_t i) const { return data_[i]; }

 private:
  static T *allocate(int64_t n) {
    std::size_t bytes = 0;
    if (n < 0 || __builtin_mul_overflow(static_cast<std::size_t>(n), sizeof(T), &bytes)) throw std::bad_alloc();
    return static_cast<T *>(::operator new(bytes, kAlign));
  }
  T *data_ = nullptr;
  bool owned_ = true;
};

constexpr int64_t kDefaultMemoryBudget = int64_t{1} << 30;
int64_t default_memory_budget();
void set_memory_budget(int64_t bytes);  // 0: back to the default

}  // namespace attnrec
