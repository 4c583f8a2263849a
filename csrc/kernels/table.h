// The table of kernels: one function pointer each, filled once per instruction set. May include <cstdint> only.
//
// Shapes. A strip is [items][lanes]: row j holds the scores of item j for `lanes` queries; `lanes` is the table's
// full width, half of it, or 1. Packed queries are [d][lanes], a panel of items is [d][kPanel]. Panels, biases and
// strips are followed by kSlack floats that may be touched. Nothing here fails,
// allocates, or knows a thread. Every output lane depends on its own inputs alone and is summed in item order, so
// the bits are the same for every instruction set and every grouping of queries. Sums over features are one fused chain
// each, or those of long_sum.h where there are more than kShortSum; sums over the rows of a strip are one chain.
#pragma once
#include <cstdint>

namespace attnrec {

constexpr int64_t kPanel = 12;     // items in a panel: a multiple of every tile's rows (12, 6, 4)
constexpr int64_t kSlack = 4;      // a vector of 16 over the last row of a panel of 12
constexpr int64_t kMaxLanes = 32;  // the widest full group (AVX-512: two vectors of 16)
constexpr int64_t kScoreAtOnce = 4;
constexpr int64_t kRowsAtOnce = 4;
constexpr int kDotPartials = 16;

// log2(e) in float32: kernels work in base 2, and whoever turns a base-2 exponent back into a natural one divides by
// this very number, so that its rounding cancels.
constexpr float kLog2E = 1.44269504088896341F;

// Scores above the threshold in row `row` of a strip, or from there on in a panel: bit l is lane l.
struct Hit {
  int32_t row;
  uint32_t lanes;
};

// Memory to prefetch during a scan: `lines` times kLine floats from `at` on for each panel that is scanned.
constexpr int64_t kLine = 16;
struct Prefetch {
  const float *at;
  int64_t lines;
};

// Rows of a compressed sparse matrix: entries of row j are [indptr[j], indptr[j + 1]).
struct CsrRows {
  const int64_t *indptr;
  const int32_t *indices;
  const float *data;
};

// Sparse values of a strip by column: `count` entries of column `index`, in row order. An entry's `at` is its row times
// the table's full width.
struct Column {
  int32_t index, count;
};
struct Entry {
  int32_t at;
  float value;
};

struct Kernels {
  const char *name;
  int64_t lanes;          // queries in a full group
  int64_t column_groups;  // strips that `values_by_column` takes at once, 1 or 2

  // panel[k][i] = rows[i][k] for kPanel rows of d
  void (*pack)(const float *const *rows, int64_t d, float *panel) noexcept;
  // strip[j][l] = scale * sum_k panels[j / 12][k][j % 12] * queries[k][l] (+ bias[j]); whole panels are written
  void (*scores)(const float *panels, int64_t n_panels, const float *queries, int64_t d, int64_t lanes, float scale,
                 const float *bias, float *strip) noexcept;
  // as `scores`, and top[l] = max_j strip[j][l]
  void (*scores_top)(const float *panels, int64_t n_panels, const float *queries, int64_t d, int64_t lanes, float scale,
                     const float *bias, float *strip, float *top) noexcept;
  // As `scores_top`, where top may be null; and the panels with a score above threshold[l] in some lane, or for one
  // lane the rows. hits has room for all rows. Meanwhile `prefetch` is loaded into L2.
  int64_t (*scan)(const float *panels, int64_t n_panels, const float *queries, int64_t d, int64_t lanes, float scale,
                  const float *bias, const float *threshold, const Prefetch *prefetch, float *strip, float *top,
                  Hit *hits) noexcept;
  // the same as `scores` for rows of a sparse matrix, summed in stored order
  void (*scores_csr)(const CsrRows *keys, int64_t n, const float *queries, int64_t lanes, float scale,
                     const float *bias, float *strip) noexcept;
  // out[l * stride + j] = strip[j][l] for l < count
  void (*unpack)(const float *strip, int64_t n, int64_t lanes, int64_t count, float *out, int64_t stride) noexcept;
  // out[l] = max_j strip[j][l], -inf for n = 0
  void (*lane_max)(const float *strip, int64_t n, int64_t lanes, float *out) noexcept;
  // sum[l] = sum_j e[j][l] with e = 2^(strip[j][l] * kLog2E + shift[l]), 0 below 2^-126; e is kept in `out` unless
  // null (`out` may be `strip`). Needs exponents <= 127.
  void (*exp_sum)(const float *strip, int64_t n, int64_t lanes, const float *shift, float *sum, float *out) noexcept;
  // row[i] = factor * 2^(row[i] * kLog2E + shift), i < n
  void (*exp_row)(float *row, int64_t n, float shift, float factor) noexcept;
  // rows with strip[j][l] > threshold[l] in some lane; returns how many; hits has room for n
  int64_t (*above)(const float *strip, int64_t n, int64_t lanes, const float *threshold, Hit *hits) noexcept;
  // out[c][l] += sum_j values[j][c] * strip[j][l]; value rows are `stride` apart; the sum is formed, then added
  void (*values)(const float *values, int64_t stride, int64_t n, int64_t m, const float *strip, int64_t lanes,
                 float *out) noexcept;
  // the same for sparse rows, added entry by entry
  void (*values_csr)(const CsrRows *values, int64_t n, const float *strip, int64_t lanes, float *out) noexcept;
  // the same by column, for 1 or, at full width, column_groups strips: one load and store of the sums a column; full or
  // half width only
  void (*values_by_column)(const Column *columns, int64_t n, const Entry *entries, const float *const *strips,
                           int64_t groups, int64_t lanes, float *const *out) noexcept;
  // two_sum(whole[c][l], rest[c][l]) of long_sum.h for c in columns (n of them, any of them twice), or null: for c < n
  void (*two_sums)(const int32_t *columns, int64_t n, int64_t lanes, float *whole, float *rest) noexcept;
  // out[c][l] = out[c][l] * keep[l] + add[c][l] * take[l]; `add` may be null
  void (*blend)(float *out, const float *keep, const float *add, const float *take, int64_t m, int64_t lanes) noexcept;
  // out[l] = sum_k a[k][l] * b[k][l], in k order as in `scores`; full or half width only
  void (*dots)(const float *a, const float *b, int64_t d, int64_t lanes, float *out) noexcept;
  // out[i] = sum_k items[i][k * item_stride] * queries[i][k * query_stride] for kScoreAtOnce pairs, each summed as in
  // `scores`
  void (*score_some)(const float *const *items, int64_t item_stride, const float *const *queries, int64_t query_stride,
                     int64_t d, float *out) noexcept;
  // out[r] = sum_k x[k] * rows[r][k], k < n, for r < count <= kRowsAtOnce; n is a multiple of kDotPartials
  void (*row_dots)(const float *x, const float *const *rows, int64_t count, int64_t n, float *out) noexcept;
  // runs independent chains of multiply-adds and returns how many FLOP that was; sink has room for 2 * kMaxLanes
  double (*fma_chains)(int64_t rounds, float *sink) noexcept;
};

}  // namespace attnrec
