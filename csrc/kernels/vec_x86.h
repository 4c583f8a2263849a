// What AVX2 and AVX-512 share. Included by their files only, after the intrinsics.
#pragma once

namespace attnrec {
namespace {

inline float fma_one(float a, float b, float c) {
  return _mm_cvtss_f32(_mm_fmadd_ss(_mm_set_ss(a), _mm_set_ss(b), _mm_set_ss(c)));
}

// out[i * stride + r] = rows[r][i] for 4 rows of 4
inline void transpose4(const float *const *rows, ptrdiff_t at, float *out, ptrdiff_t stride) {
  __m128 a = _mm_loadu_ps(rows[0] + at);
  __m128 b = _mm_loadu_ps(rows[1] + at);
  __m128 c = _mm_loadu_ps(rows[2] + at);
  __m128 d = _mm_loadu_ps(rows[3] + at);
  _MM_TRANSPOSE4_PS(a, b, c, d);
  _mm_storeu_ps(out, a);
  _mm_storeu_ps(out + stride, b);
  _mm_storeu_ps(out + 2 * stride, c);
  _mm_storeu_ps(out + 3 * stride, d);
}

}  // namespace
}  // namespace attnrec
