// The SIMD vocabulary: picks the file of the instruction set being compiled. May include vec_*.h only.
//
// Each vec_*.h defines, in this unnamed namespace: Vec, kWidth (floats in a Vec), kTileRows (items in the register
// tile beside two Vecs of queries), kExpAtOnce (vectors of exponentials side by side), kColumnGroups (see
// Kernels::column_groups), kIsaName, and
//   load store set1 | add sub mul max_of fma(a, b, c) = a * b + c rounded once, fma_one of three floats
//   above_mask(a, b): bit i is a[i] > b[i] | transpose4: 4 rows of 4 floats
//   times_power(p, t, x, lo): p * 2^n, where t = n + kRoundingMagic, and 0 where not x >= lo
#pragma once
#include <cstddef>
#include <cstdint>

namespace attnrec {
namespace {
constexpr float kRoundingMagic = 12582912.0F;  // 1.5 * 2^23: adding it rounds to an integer in the low bits
}
}  // namespace attnrec

#if defined(ATTNREC_ISA_AVX512)
#include "vec_avx512.h"
#elif defined(ATTNREC_ISA_AVX2)
#include "vec_avx2.h"
#elif defined(ATTNREC_ISA_NEON)
#include "vec_neon.h"
#else
#include "vec_scalar.h"
#endif
