// exp, and the maxima and denominators of strips. Kernels only.
#pragma once
#include <math.h>

#include "table.h"
#include "vec.h"

namespace attnrec {
namespace {

// exp(x) for x <= 88; exactly 0 below 2^-126 (so also for -inf). n = round(x / ln 2), r = x - n ln 2 with ln 2 in two
// parts (Cody & Waite, 1980), exp(r) = 1 + r + r^2 q(r) with |r| <= ln 2 / 2 and q minimax of degree 4 (error 3e-9). Within
// 1.25 ulp of the truth; csrc/check measures it.
inline Vec exp_of(Vec x) {
  const Vec magic = set1(kRoundingMagic);
  const Vec t = fma(x, set1(1.44269504088896341F), magic);
  const Vec n = sub(t, magic);
  Vec r = fma(n, set1(-0.693145751953125F), x);
  r = fma(n, set1(-1.42860682030941723212e-6F), r);
  Vec q = set1(1.3814539416e-03F);
  q = fma(q, r, set1(8.3687454462e-03F));
  q = fma(q, r, set1(4.1668388993e-02F));
  q = fma(q, r, set1(1.6666521132e-01F));
  q = fma(q, r, set1(4.9999994040e-01F));
  const Vec p = fma(q, mul(r, r), add(r, set1(1.0F)));
  return keep_where_at_least(scale_by_power(p, t), x, set1(-87.33654F));
}

void lane_max(const float *strip, int64_t n, int64_t lanes, float *out) noexcept {
  for (int64_t v = 0; v < lanes; v += kWidth) {
    Vec top = set1(-INFINITY);
    for (int64_t j = 0; j < n; ++j) top = max_of(load(strip + j * lanes + v), top);
    store(out + v, top);
  }
}

void exp_sum(const float *strip, int64_t n, int64_t lanes, const float *shift, float *sum, float *out) noexcept {
  for (int64_t v = 0; v < lanes; v += kWidth) {
    const Vec c = load(shift + v);
    Vec z = set1(0.0F);
    for (int64_t j = 0; j < n; ++j) {
      const Vec e = exp_of(sub(load(strip + j * lanes + v), c));
      if (out != nullptr) store(out + j * lanes + v, e);
      z = add(z, e);
    }
    store(sum + v, z);
  }
}

void exp_row(float *row, int64_t n, float shift, float factor) noexcept {
  const Vec c = set1(shift);
  const Vec f = set1(factor);
  int64_t i = 0;
  for (; i + kWidth <= n; i += kWidth) store(row + i, mul(exp_of(sub(load(row + i), c)), f));
  if (i == n) return;
  float tail[kWidth] = {};
  for (int64_t t = i; t < n; ++t) tail[t - i] = row[t];
  store(tail, mul(exp_of(sub(load(tail), c)), f));
  for (int64_t t = i; t < n; ++t) row[t] = tail[t - i];
}

}  // namespace
}  // namespace attnrec
