// AArch64 Advanced SIMD vocabulary: 4 floats. Included by vec.h only.
#pragma once
#include <arm_neon.h>

namespace attnrec {
namespace {

using Vec = float32x4_t;
constexpr int kWidth = 4;
constexpr int kTileRows = 12;  // 12 x 2 accumulators of 32 registers
constexpr int kColumnGroups = 2;
constexpr int kExpAtOnce = 4;
constexpr const char *kIsaName = "neon";

inline Vec load(const float *p) { return vld1q_f32(p); }
inline void store(float *p, Vec v) { vst1q_f32(p, v); }
inline Vec set1(float x) { return vdupq_n_f32(x); }
inline Vec add(Vec a, Vec b) { return vaddq_f32(a, b); }
inline Vec sub(Vec a, Vec b) { return vsubq_f32(a, b); }
inline Vec mul(Vec a, Vec b) { return vmulq_f32(a, b); }
inline Vec max_of(Vec a, Vec b) { return vbslq_f32(vcgtq_f32(a, b), a, b); }
inline Vec fma(Vec a, Vec b, Vec c) { return vfmaq_f32(c, a, b); }

inline float fma_one(float a, float b, float c) {
  return vget_lane_f32(vfma_f32(vdup_n_f32(c), vdup_n_f32(a), vdup_n_f32(b)), 0);
}

inline uint32_t above_mask(Vec a, Vec b) {
  const uint32x4_t bits = {1, 2, 4, 8};
  return vaddvq_u32(vandq_u32(vcgtq_f32(a, b), bits));
}

inline Vec times_power(Vec p, Vec t, Vec x, Vec lo) {
  const uint32x4_t raised = vaddq_u32(vreinterpretq_u32_f32(p), vshlq_n_u32(vreinterpretq_u32_f32(t), 23));
  return vreinterpretq_f32_u32(vandq_u32(raised, vcgeq_f32(x, lo)));
}

// out[i * stride + r] = rows[r][i] for 4 rows of 4
inline void transpose4(const float *const *rows, ptrdiff_t at, float *out, ptrdiff_t stride) {
  const float32x4x2_t ab = vtrnq_f32(vld1q_f32(rows[0] + at), vld1q_f32(rows[1] + at));
  const float32x4x2_t cd = vtrnq_f32(vld1q_f32(rows[2] + at), vld1q_f32(rows[3] + at));
  vst1q_f32(out, vcombine_f32(vget_low_f32(ab.val[0]), vget_low_f32(cd.val[0])));
  vst1q_f32(out + stride, vcombine_f32(vget_low_f32(ab.val[1]), vget_low_f32(cd.val[1])));
  vst1q_f32(out + 2 * stride, vcombine_f32(vget_high_f32(ab.val[0]), vget_high_f32(cd.val[0])));
  vst1q_f32(out + 3 * stride, vcombine_f32(vget_high_f32(ab.val[1]), vget_high_f32(cd.val[1])));
}

}  // namespace
}  // namespace attnrec
