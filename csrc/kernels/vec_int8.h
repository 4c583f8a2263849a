// The vocabulary of 8-bit products, beside vec.h: as many int32 lanes as that has floats. Kernels only.
//
// dot(c, a, b) adds to each lane the products of the four bytes of a[0] and b[0], and on to a[kSteps - 1]; a is
// unsigned (signed on NEON), b signed. kItemLevels and kItemOffset say what items may be, kInt8Rows how many of them go
// into the register tile beside two vectors of queries.
//   Without an instruction for it, x86 forms sums of four products in int16, which items of 6 bits and queries of 8
// do not overflow: 4 * 63 * 127 < 2^15. That is three multiplications for the eight products of a lane in two steps,
// where an instruction for four products a lane takes two.
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
#if defined(ATTNREC_VNNI)
constexpr int kItemLevels = 127, kItemOffset = 128, kInt8Rows = 12, kSteps = 1;
inline IVec dot(IVec c, const IVec *a, const IVec *b) { return _mm512_dpbusd_epi32(c, a[0], b[0]); }
#else
constexpr int kItemLevels = 31, kItemOffset = 32, kInt8Rows = 6, kSteps = 2;
inline IVec dot(IVec c, const IVec *a, const IVec *b) {
  const IVec four = _mm512_add_epi16(_mm512_maddubs_epi16(a[0], b[0]), _mm512_maddubs_epi16(a[1], b[1]));
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
constexpr int kItemLevels = 127, kItemOffset = 128, kInt8Rows = 6, kSteps = 1;
inline IVec dot(IVec c, const IVec *a, const IVec *b) { return _mm256_dpbusd_avx_epi32(c, a[0], b[0]); }
#else
constexpr int kItemLevels = 31, kItemOffset = 32, kInt8Rows = 3, kSteps = 2;  // 4 rows would spill
inline IVec dot(IVec c, const IVec *a, const IVec *b) {
  const IVec four = _mm256_add_epi16(_mm256_maddubs_epi16(a[0], b[0]), _mm256_maddubs_epi16(a[1], b[1]));
  return _mm256_add_epi32(c, _mm256_madd_epi16(four, _mm256_set1_epi16(1)));
}
#endif

#elif defined(ATTNREC_ISA_NEON)

using IVec = int32x4_t;
constexpr int kItemLevels = 127, kItemOffset = 0, kInt8Rows = 12, kSteps = 1;
inline IVec iload(const void *p) { return vreinterpretq_s32_u8(vld1q_u8(static_cast<const uint8_t *>(p))); }
inline IVec iset1(int32_t x) { return vdupq_n_s32(x); }
inline IVec imax(IVec a, IVec b) { return vmaxq_s32(a, b); }
inline Vec to_float(IVec a) { return vcvtq_f32_s32(a); }
inline IVec dot(IVec c, const IVec *a, const IVec *b) {
  return vdotq_s32(c, vreinterpretq_s8_s32(a[0]), vreinterpretq_s8_s32(b[0]));
}

#else

struct IVec {
  int32_t x[kWidth];
};
constexpr int kItemLevels = 127, kItemOffset = 128, kInt8Rows = 4, kSteps = 1;
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
inline IVec dot(IVec c, const IVec *a, const IVec *b) {
  for (int i = 0; i < kWidth; ++i) {
    for (int t = 0; t < 32; t += 8) c.x[i] += (a->x[i] >> t & 255) * static_cast<int8_t>(b->x[i] >> t);
  }
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
