// The vocabulary of 8-bit products, beside vec.h: as many int32 lanes as that has floats. Kernels only.
//
// dot8(c, a, b, a2, b2) adds to each lane the products of the four bytes of a and b, and of a2 and b2; a and a2 are
// unsigned (signed on NEON), b and b2 signed. kItemLevels and kItemOffset say what items may be, kInt8Rows how many of
// them go into the register tile beside two vectors of queries.
//   Without an instruction for it, x86 forms sums of four products in int16, which items of 6 bits and queries of 8
// do not overflow: 4 * 63 * 127 < 2^15. That is three multiplications for eight products, where instructions of
// 8 by 8 bits take two.
#pragma once
#include "vec.h"
#ifdef ATTNREC_EMULATE_AVX512
#include "emulated.h"
#endif

namespace attnrec {
namespace {

constexpr int kQueryLevels = 127;

#if defined(ATTNREC_ISA_AVX512)

using IVec = __m512i;
inline IVec iload(const void *p) { return _mm512_loadu_si512(p); }
inline IVec iset1(int32_t x) { return _mm512_set1_epi32(x); }
inline IVec imax(IVec a, IVec b) { return _mm512_max_epi32(a, b); }
inline Vec to_float(IVec a) { return _mm512_cvtepi32_ps(a); }
constexpr int kInt8Rows = 12;
#if defined(ATTNREC_VNNI)
constexpr int kItemLevels = 127, kItemOffset = 128;
inline IVec dot8(IVec c, IVec a, IVec b, IVec a2, IVec b2) {
  return _mm512_dpbusd_epi32(_mm512_dpbusd_epi32(c, a, b), a2, b2);
}
#else
constexpr int kItemLevels = 31, kItemOffset = 32;
inline IVec dot8(IVec c, IVec a, IVec b, IVec a2, IVec b2) {
  const IVec four = _mm512_add_epi16(_mm512_maddubs_epi16(a, b), _mm512_maddubs_epi16(a2, b2));
  return _mm512_add_epi32(c, _mm512_madd_epi16(four, _mm512_set1_epi16(1)));
}
#endif

#elif defined(ATTNREC_ISA_AVX2)

using IVec = __m256i;
inline IVec iload(const void *p) { return _mm256_loadu_si256(static_cast<const __m256i *>(p)); }
inline IVec iset1(int32_t x) { return _mm256_set1_epi32(x); }
inline IVec imax(IVec a, IVec b) { return _mm256_max_epi32(a, b); }
inline Vec to_float(IVec a) { return _mm256_cvtepi32_ps(a); }
#if defined(ATTNREC_VNNI)
constexpr int kItemLevels = 127, kItemOffset = 128, kInt8Rows = 6;
inline IVec dot8(IVec c, IVec a, IVec b, IVec a2, IVec b2) {
  return _mm256_dpbusd_avx_epi32(_mm256_dpbusd_avx_epi32(c, a, b), a2, b2);
}
#else
constexpr int kItemLevels = 31, kItemOffset = 32, kInt8Rows = 4;  // more rows would spill
inline IVec dot8(IVec c, IVec a, IVec b, IVec a2, IVec b2) {
  const IVec four = _mm256_add_epi16(_mm256_maddubs_epi16(a, b), _mm256_maddubs_epi16(a2, b2));
  return _mm256_add_epi32(c, _mm256_madd_epi16(four, _mm256_set1_epi16(1)));
}
#endif

#elif defined(ATTNREC_ISA_NEON)

using IVec = int32x4_t;
constexpr int kItemLevels = 127, kItemOffset = 0, kInt8Rows = 12;
inline IVec iload(const void *p) { return vreinterpretq_s32_u8(vld1q_u8(static_cast<const uint8_t *>(p))); }
inline IVec iset1(int32_t x) { return vdupq_n_s32(x); }
inline IVec imax(IVec a, IVec b) { return vmaxq_s32(a, b); }
inline Vec to_float(IVec a) { return vcvtq_f32_s32(a); }
inline IVec dot8(IVec c, IVec a, IVec b, IVec a2, IVec b2) {
  c = vdotq_s32(c, vreinterpretq_s8_s32(a), vreinterpretq_s8_s32(b));
  return vdotq_s32(c, vreinterpretq_s8_s32(a2), vreinterpretq_s8_s32(b2));
}

#else

struct IVec {
  int32_t x[kWidth];
};
constexpr int kItemLevels = 127, kItemOffset = 128, kInt8Rows = 4;
inline IVec iload(const void *p) {
  IVec out;
  __builtin_memcpy(&out, p, sizeof(out));
  return out;
}
inline IVec iset1(int32_t x) { return {{x, x, x, x}}; }
inline IVec imax(IVec a, IVec b) {
  for (int i = 0; i < kWidth; ++i) a.x[i] = a.x[i] > b.x[i] ? a.x[i] : b.x[i];
  return a;
}
inline Vec to_float(IVec a) {
  return each([&](int i) { return static_cast<float>(a.x[i]); });
}
inline int32_t dot4(int32_t a, int32_t b) {
  int32_t sum = 0;
  for (int t = 0; t < 32; t += 8) sum += (a >> t & 255) * static_cast<int8_t>(b >> t);
  return sum;
}
inline IVec dot8(IVec c, IVec a, IVec b, IVec a2, IVec b2) {
  for (int i = 0; i < kWidth; ++i) c.x[i] += dot4(a.x[i], b.x[i]) + dot4(a2.x[i], b2.x[i]);
  return c;
}

#endif

// the four bytes at p, in every lane
inline IVec ibroadcast(const void *p) {
  int32_t four;
  __builtin_memcpy(&four, p, sizeof(four));
  return iset1(four);
}

}  // namespace
}  // namespace attnrec
