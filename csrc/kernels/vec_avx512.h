// AVX-512 F/BW/DQ/VL vocabulary: 16 floats. Included by vec.h only.
#pragma once
#ifndef ATTNREC_EMULATE_AVX512  // the kernel check can run these on any machine through an emulation of the intrinsics
#include <immintrin.h>
#endif

#include "vec_x86.h"

namespace attnrec {
namespace {

using Vec = __m512;
constexpr int kWidth = 16;
constexpr int kTileRows = 12;  // 12 x 2 accumulators + 2 queries of 32 registers; broadcasts fold into the FMA
constexpr int kColumnGroups = 1;
constexpr int kExpAtOnce = 4;
constexpr const char *kIsaName = "avx512";

inline Vec load(const float *p) { return _mm512_loadu_ps(p); }
inline void store(float *p, Vec v) { _mm512_storeu_ps(p, v); }
inline Vec set1(float x) { return _mm512_set1_ps(x); }
inline Vec add(Vec a, Vec b) { return _mm512_add_ps(a, b); }
inline Vec sub(Vec a, Vec b) { return _mm512_sub_ps(a, b); }
inline Vec mul(Vec a, Vec b) { return _mm512_mul_ps(a, b); }
inline Vec max_of(Vec a, Vec b) { return _mm512_max_ps(a, b); }
inline Vec fma(Vec a, Vec b, Vec c) { return _mm512_fmadd_ps(a, b, c); }

inline uint32_t above_mask(Vec a, Vec b) { return static_cast<uint32_t>(_mm512_cmp_ps_mask(a, b, _CMP_GT_OQ)); }

inline Vec times_power(Vec p, Vec t, Vec x, Vec lo) {
  const __m512i n = _mm512_slli_epi32(_mm512_castps_si512(t), 23);
  const __mmask16 kept = _mm512_cmp_ps_mask(x, lo, _CMP_GE_OQ);
  return _mm512_castsi512_ps(_mm512_maskz_add_epi32(kept, _mm512_castps_si512(p), n));
}

}  // namespace
}  // namespace attnrec
