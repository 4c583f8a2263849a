// The exponential, in base 2. Kernels only.
#pragma once
#include "table.h"
#include "vec.h"

namespace attnrec {
namespace {

// 2^t for t <= 127; exactly 0 below 2^-126 (so also for -inf). 2^t = 2^n 2^f with n = round(t), |f| <= 1/2, and
// 2^f = 1 + f q(f), q minimax of degree 5 (relative error 2e-09), evaluated in pairs (Estrin) because the chain of
// dependent operations, not their number, is what takes the time. Within 1.25 ulp of the truth; csrc/check_kernels
// measures it.
inline Vec exp2_of(Vec t) {
  const Vec magic = set1(kRoundingMagic);
  const Vec rounded = add(t, magic);
  const Vec f = sub(t, sub(rounded, magic));
  const Vec f2 = mul(f, f);
  const Vec q01 = fma(f, set1(0.24022647738456726F), set1(0.6931471824645996F));
  const Vec q23 = fma(f, set1(0.00961843878030777F), set1(0.05550331994891167F));
  const Vec q45 = fma(f, set1(0.00015353258640971035F), set1(0.0013399003073573112F));
  const Vec q = fma(fma(q45, f2, q23), f2, q01);
  return keep_where_at_least(scale_by_power(fma(f, q, set1(1.0F)), rounded), t, set1(-126.0F));
}

}  // namespace
}  // namespace attnrec
