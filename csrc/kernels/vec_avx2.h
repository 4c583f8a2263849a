// AVX2 + FMA vocabulary: 8 floats. Included by vec.h only.
#pragma once
#include <immintrin.h>

#include "vec_x86.h"

namespace attnrec {
namespace {

using Vec = __m256;
constexpr int kWidth = 8;
constexpr int kTileRows = 6;  // 6 x 2 accumulators + 2 queries + 1 broadcast of 16 registers
constexpr int kColumnGroups = 2;
constexpr int kExpAtOnce = 2;
constexpr const char *kIsaName = "avx2";

inline Vec load(const float *p) { return _mm256_loadu_ps(p); }
inline void store(float *p, Vec v) { _mm256_storeu_ps(p, v); }
inline Vec set1(float x) { return _mm256_set1_ps(x); }
inline Vec add(Vec a, Vec b) { return _mm256_add_ps(a, b); }
inline Vec sub(Vec a, Vec b) { return _mm256_sub_ps(a, b); }
inline Vec mul(Vec a, Vec b) { return _mm256_mul_ps(a, b); }
inline Vec max_of(Vec a, Vec b) { return _mm256_max_ps(a, b); }
inline Vec fma(Vec a, Vec b, Vec c) { return _mm256_fmadd_ps(a, b, c); }

inline uint32_t above_mask(Vec a, Vec b) {
  return static_cast<uint32_t>(_mm256_movemask_ps(_mm256_cmp_ps(a, b, _CMP_GT_OQ)));
}

inline Vec times_power(Vec p, Vec t, Vec x, Vec lo) {
  const __m256i n = _mm256_slli_epi32(_mm256_castps_si256(t), 23);
  const __m256i raised = _mm256_add_epi32(_mm256_castps_si256(p), n);
  return _mm256_and_ps(_mm256_castsi256_ps(raised), _mm256_cmp_ps(x, lo, _CMP_GE_OQ));
}

}  // namespace
}  // namespace attnrec
