// The bytes that steer a fuzzed call, read from the front and zeros once they are used up; and what must hold. Fuzzing.
#pragma once
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace attnrec_fuzz {

class Bytes {
 public:
  Bytes(const uint8_t *data, std::size_t size) : data_(data), left_(size) {}

  template <class T>
  T raw() {
    T out{};
    const std::size_t n = left_ < sizeof(T) ? left_ : sizeof(T);
    if (n > 0) std::memcpy(&out, data_, n);
    data_ += n;
    left_ -= n;
    return out;
  }
  int64_t below(int64_t n) { return raw<uint8_t>() % n; }
  bool one_in(int64_t n) { return below(n) == n - 1; }  // false once the bytes are used up
  template <class T, std::size_t n>
  const T &one_of(const T (&choices)[n]) {
    return choices[below(static_cast<int64_t>(n))];
  }

 private:
  const uint8_t *data_;
  std::size_t left_;
};

// Many numbers from a few bytes (xorshift64*).
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed * 0x9E3779B97F4A7C15U + 1) {}
  uint64_t next() {
    state_ ^= state_ >> 12;
    state_ ^= state_ << 25;
    state_ ^= state_ >> 27;
    return state_ * 0x2545F4914F6CDD1DU;
  }
  int64_t below(int64_t n) { return static_cast<int64_t>((next() >> 33) % static_cast<uint64_t>(n)); }

 private:
  uint64_t state_;
};

// Ends the process, which the fuzzer reports with the input that led here.
inline void require(bool holds, const char *entry, const char *what) {
  if (holds) return;
  std::fprintf(stderr, "fuzz: %s: %s\n", entry, what);
  std::abort();
}

}  // namespace attnrec_fuzz
