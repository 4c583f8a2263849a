// Instructions on 8 bits as functions on AVX2, for checking kernels where there are none. Kernels only; never shipped.
#pragma once
#include <immintrin.h>

namespace attnrec {
namespace {

// VPDPBUSD: sums of four products of unsigned by signed bytes, added in 32 bits
inline __m256i emulated_dpbusd(__m256i c, __m256i a, __m256i b) {
  const __m256i low = _mm256_set1_epi16(255);
  const __m256i even = _mm256_madd_epi16(_mm256_and_si256(a, low), _mm256_srai_epi16(_mm256_slli_epi16(b, 8), 8));
  const __m256i odd = _mm256_madd_epi16(_mm256_srli_epi16(a, 8), _mm256_srai_epi16(b, 8));
  return _mm256_add_epi32(c, _mm256_add_epi32(even, odd));
}

// f on both halves of wide registers
template <class Out, class F, class... In>
inline Out on_halves(F f, const In &...in) {
  Out out;
  for (int half = 0; half < 2; ++half) {
    const auto part = [half](const auto &x) {
      __m256i y;
      __builtin_memcpy(&y, reinterpret_cast<const char *>(&x) + 32 * half, 32);
      return y;
    };
    const auto y = f(part(in)...);
    __builtin_memcpy(reinterpret_cast<char *>(&out) + 32 * half, &y, 32);
  }
  return out;
}

}  // namespace
}  // namespace attnrec

#undef _mm512_madd_epi16
#undef _mm512_cvtepi32_ps
#define _mm256_dpbusd_avx_epi32 emulated_dpbusd
#define _mm512_dpbusd_epi32(c, a, b) (on_halves<__m512i>(emulated_dpbusd, c, a, b))
#define _mm512_madd_epi16(a, b) (on_halves<__m512i>([](__m256i x, __m256i y) { return _mm256_madd_epi16(x, y); }, a, b))
#define _mm512_cvtepi32_ps(a) (on_halves<__m512>([](__m256i x) { return _mm256_cvtepi32_ps(x); }, a))
