// AArch64 Advanced SIMD vocabulary: 4 floats. Included by vec.h only.
#pragma once
#include <arm_neon.h>

namespace attnrec {
namespace {

using Vec = float32x4_t;
constexpr int kWidth = 4;
constexpr int kTileRows = 12;  // 12 x 2 accumulators of 32 registers
constexpr const char *kIsaName = "neon";

inline Vec load(const float *p) { return vld1q_f32(p); }
inline void store(float *p, Vec v) { vst1q_f32(p, v); }
inline Vec set1(float x) { return vdupq_n_f32(x); }
inline Vec add(Vec a, Vec b) { return vaddq_f32(a, b); }
inline Vec sub(Vec a, Vec b) { return vsubq_f32(a, b); }
inline Vec mul(Vec a, Vec b) { return vmulq_f32(a, b); }
inline Vec max_of(Vec a, Vec b) { return vbslq_f32(vcgtq_f32(a, b), a, b); }
inline Vec fma(Vec a, Vec b, Vec c) { return vfmaq_f32(c, a, b); }

inline uint32_t above_mask(Vec a, Vec b) {
  const uint32x4_t bits = {1, 2, 4, 8};
  return vaddvq_u32(vandq_u32(vcgtq_f32(a, b), bits));
}

inline Vec scale_by_power(Vec p, Vec t) {
  const uint32x4_t n = vshlq_n_u32(vreinterpretq_u32_f32(t), 23);
  return vreinterpretq_f32_u32(vaddq_u32(vreinterpretq_u32_f32(p), n));
}

inline Vec keep_where_at_least(Vec v, Vec x, Vec lo) {
  return vreinterpretq_f32_u32(vandq_u32(vreinterpretq_u32_f32(v), vcgeq_f32(x, lo)));
}

}  // namespace
}  // namespace attnrec
