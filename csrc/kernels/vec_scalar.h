// The scalar twin: 4 floats in plain C++, the same bits as the SIMD files. Included by vec.h only.
#pragma once

namespace attnrec {
namespace {

struct Vec {
  float x[4];
};
constexpr int kWidth = 4;
constexpr int kTileRows = 4;
constexpr int kColumnGroups = 2;
constexpr int kExpAtOnce = 1;
constexpr const char *kIsaName = "scalar";

template <class To, class From>
inline To bits_to(From from) {
  static_assert(sizeof(To) == sizeof(From), "same size");
  To to;
  __builtin_memcpy(&to, &from, sizeof(to));
  return to;
}

template <class F>
inline Vec each(F f) {
  Vec out;
  for (int i = 0; i < kWidth; ++i) out.x[i] = f(i);
  return out;
}

// a * b + c rounded once, for processors without the instruction. The product of two floats is exact in double. The
// sum is rounded to odd there (its error is found by Knuth's TwoSum), and rounding that once more to float is then
// correct: Boldo and Melquiond, "Emulation of a FMA and correctly rounded sums", IEEE Trans. Computers 57(4), 2008.
inline float fma_one(float a, float b, float c) {
  const double p = static_cast<double>(a) * b;
  const double s = p + c;
  const double t = s - p;
  const double error = (p - (s - t)) + (c - t);
  auto bits = bits_to<int64_t>(s);
  const int64_t toward = (error > 0) == (s > 0) ? 1 : -1;
  const bool inexact = error > 0 || error < 0;  // false for NaN: an infinite sum stays as it is
  bits += inexact && (bits & 1) == 0 ? toward : 0;
  return static_cast<float>(bits_to<double>(bits));
}

inline Vec load(const float *p) {
  return each([p](int i) { return p[i]; });
}
inline void store(float *p, Vec v) {
  for (int i = 0; i < kWidth; ++i) p[i] = v.x[i];
}
inline Vec set1(float x) {
  return each([x](int) { return x; });
}
inline Vec add(Vec a, Vec b) {
  return each([&](int i) { return a.x[i] + b.x[i]; });
}
inline Vec sub(Vec a, Vec b) {
  return each([&](int i) { return a.x[i] - b.x[i]; });
}
inline Vec mul(Vec a, Vec b) {
  return each([&](int i) { return a.x[i] * b.x[i]; });
}
inline Vec max_of(Vec a, Vec b) {
  return each([&](int i) { return a.x[i] > b.x[i] ? a.x[i] : b.x[i]; });
}
inline Vec fma(Vec a, Vec b, Vec c) {
  return each([&](int i) { return fma_one(a.x[i], b.x[i], c.x[i]); });
}

inline uint32_t above_mask(Vec a, Vec b) {
  uint32_t out = 0;
  for (int i = 0; i < kWidth; ++i) out |= static_cast<uint32_t>(a.x[i] > b.x[i]) << i;
  return out;
}

inline Vec times_power(Vec p, Vec t, Vec x, Vec lo) {
  return each([&](int i) {
    const auto raised = bits_to<float>(bits_to<uint32_t>(p.x[i]) + (bits_to<uint32_t>(t.x[i]) << 23));
    return x.x[i] >= lo.x[i] ? raised : 0.0F;
  });
}

// out[i * stride + r] = rows[r][i] for 4 rows of 4
inline void transpose4(const float *const *rows, ptrdiff_t at, float *out, ptrdiff_t stride) {
  for (int i = 0; i < 4; ++i) {
    for (int r = 0; r < 4; ++r) out[i * stride + r] = rows[r][at + i];
  }
}

}  // namespace
}  // namespace attnrec
