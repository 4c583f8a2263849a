// The table of 8-bit kernels: a scan that is never wrong about what it passes over. May include <cstdint> only.
//
// The certificate. Let w = scale * u be a query and v an item, and write
//     w = b p + e,   v = a q + f,   p and q integers of at most 8 bits,   a one number for a panel, b one for a query.
// Then w.v = ab p.q + e.(a q) + w.f exactly, and by Cauchy and Schwarz
//     |w.v - ab p.q| <= |e| nu + |w| rho     with nu = max |a q|, rho = max |f| over the panel.
// What the float32 kernels return for this pair is not w.v (+ bias) but s: a sum of d fused multiply-adds, a product
// with `scale` and a sum with the bias, each rounded once. As one chain the sum is off by at most g |u|.|v| (Higham,
// Accuracy and Stability of Numerical Algorithms, 2nd ed., section 3.1; g = d 2^-24 / (1 - d 2^-24) <= d 2^-23 for
// d <= 2^22; |u| and |v| by element). For d > kShortSum it is formed in parts of P = kSumPart (long_sum.h), and off by
// less: each part is a chain over its terms and what was lost before, at most 2^-24 of the whole; nothing is lost
// between parts; and the whole is rounded once. With at most d / P + 1 remainders that is (P + (d + P) 2^-24 + 1) 2^-24
// |u|.|v| but for factors 1 + d 2^-23, less than a third of the above for d <= kInt8MaxWidth. Then two more roundings
// by 2^-23 of the magnitude each, and underflow by at most 2^-149 a step. Altogether, with the largest bias of the
// panel and V = max |v|,
//     s <= ab p.q + bias + |e| nu + |w| rho + (d + 4) 2^-23 |w| V + 2^-23 |bias| + (d |scale| + 1) 2^-149.
// So an item whose p.q is at most
//     T = ((threshold - bias) - 2^-20 (|threshold| + |bias|)) / (ab) - (|e|/b) (nu/a) - (|w|/b) (rho/a) - 1/4,
// with the (d + 4) 2^-23 V inside rho, has s <= threshold and is passed over rightly. T is one number for a panel and
// a query, so the test of an item is one comparison of its integer. All others are scored again in float32.
//   Rounding of T itself. Every factor is computed in double and inflated by 1 + 2^-20 before it becomes a float; T is
// a sum of three products, each rounded a few times by 2^-24, which the inflation and the 2^-20 absorb. The 1/4 stands
// for underflow, because p.q is an integer, and for the last term of s, because magnitudes are kept ordinary: a query
// or panel whose largest element lies outside [2^-40, 2^40] (and is not 0), or any with |scale| > 2^30, gets a rho or
// |w|/b of 1e30: T is then below every integer, and each of its items is scored in float32. Converting p.q to float
// for the comparison rounds monotonically, so it can not turn p.q > T into its opposite.
//   A threshold of -infinity passes nothing over; +infinity (a lane without a query) gives NaN, which passes over all.
#pragma once
#include <cstdint>

namespace attnrec {

struct Hit;

constexpr int64_t kInt8MaxWidth = 32768;  // d * 255 * 127 stays an int32

// Of a panel, everything divided by its step a: 1/a, nu, rho and the plain largest bias.
struct PanelBound {
  float per_step, nu, rho, bias;
};

// Of a group's queries: 1/b, |e|/b, |w|/b, and where the integer sums start, which makes up for `item_offset`.
struct LaneBound {
  float per_step[32], error[32], norm[32];
  int32_t start[32];
};

struct Int8Kernels {
  int32_t query_levels, item_levels;  // largest |p| and |q|
  int32_t item_offset;                // q is stored as the byte q + item_offset
  bool fast;                          // faster than the float32 kernels of the same processor

  // Rows that may score above threshold[l] in some lane, as in Kernels::scan. Panels are [depth][kPanel][4] bytes,
  // queries [depth][lanes][4], depth is even. hits has room for all rows.
  int64_t (*scan)(const uint8_t *panels, const PanelBound *bounds, int64_t n_panels, const int8_t *queries,
                  const LaneBound *lane, int64_t depth, int64_t lanes, const float *threshold, Hit *hits) noexcept;
};

}  // namespace attnrec
