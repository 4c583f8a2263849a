// One call of the C interface, made twice, at times on three threads: the same status, message and bits. Fuzzing.
#pragma once
#include <attnrec/attnrec.h>

#include <functional>
#include <vector>

#include "operands.h"

namespace attnrec_fuzz {

class Call {
 public:
  Call(const char *entry, Bytes &bytes);

  // Room for an output, filled with what no result is; null where no memory is that large.
  template <class T>
  T *out(int64_t rows, int64_t cols) {
    return static_cast<T *>(reserve(rows, cols, sizeof(T)));
  }
  // An array that the call changes in place.
  float *in_place(const float *from, int64_t n);

  // Makes the call twice; `finite`: every input is.
  attnrec_status run(bool finite, const std::function<attnrec_status(const attnrec_run *)> &call);
  // As before, but for the last call; what it gives has to be the same bits.
  void again(const std::function<attnrec_status(const attnrec_run *)> &call);

  bool checked() const { return !run_.skip_finite_check; }  // inputs that are not finite are refused
  void require(bool holds, const char *what) const { attnrec_fuzz::require(holds, entry_, what); }
  void require_numbers(const float *x, int64_t n, const char *what) const;  // no NaN

 private:
  struct Room {
    std::unique_ptr<char[]> bytes, before;
    int64_t size;
  };
  void *reserve(int64_t rows, int64_t cols, int64_t item_size);
  attnrec_status once(int threads, unsigned char fill, const std::function<attnrec_status(const attnrec_run *)> &call);
  std::vector<char> written() const;

  const char *entry_;
  attnrec_run run_{};
  bool by_default_, too_large_ = false;
  int threads_;  // of the first of two calls
  std::vector<Room> outs_;
};

}  // namespace attnrec_fuzz
