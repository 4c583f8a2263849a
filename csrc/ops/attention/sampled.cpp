// The stored entries alone of a product of two dense matrices. Ops only.
#include <algorithm>

#include "../../core/dispatch.h"
#include "../../kernels/long_sum.h"
#include "../walk/operand.h"
#include "../walk/sweep.h"

namespace attnrec {
namespace {

// 128 rows by 512 columns of `right` are 256 KiB, half of a second-level cache: they stay there while all rows of a
// task pass by. Both are copied without gaps, for else the rows lie on a page each. The sum over columns is formed part
// by part, so the length of a part is in the bits of the result.
constexpr int64_t kBlockRows = 128;
constexpr int64_t kPartCols = 512;
constexpr int64_t kTasksPerThread = 2;     // each reads all of `right`, so few
constexpr int64_t kRowsAtMost = 8192;      // in a task, whose part of them takes 16 MiB
constexpr int64_t kRowsWorthAThread = 16;  // and more

struct Wanted {
  int32_t row, col;
  int64_t at;  // place in the result
};

// Entries of rows [first, last), those of one block of columns together, otherwise in stored order; block i has
// [starts[i], starts[i + 1]).
std::vector<Wanted> by_block(const attnrec_csr &pattern, int64_t first, int64_t last, std::vector<int64_t> &starts) {
  starts.assign(static_cast<std::size_t>(ceil_div(pattern.cols, kBlockRows)) + 1, 0);
  const auto block_of = [&](int64_t p) { return static_cast<std::size_t>(pattern.indices[p] / kBlockRows); };
  for (int64_t p = pattern.indptr[first]; p < pattern.indptr[last]; ++p) ++starts[block_of(p) + 1];
  for (std::size_t i = 1; i < starts.size(); ++i) starts[i] += starts[i - 1];
  std::vector<Wanted> out(static_cast<std::size_t>(pattern.indptr[last] - pattern.indptr[first]));
  std::vector<int64_t> next = starts;
  for (int64_t row = first; row < last; ++row) {
    for (int64_t p = pattern.indptr[row]; p < pattern.indptr[row + 1]; ++p) {
      out[static_cast<std::size_t>(next[block_of(p)]++)] = {static_cast<int32_t>(row), pattern.indices[p], p};
    }
  }
  return out;
}

// First row of each task, and the end: about n tasks with as many entries each, or more of kRowsAtMost rows.
std::vector<int64_t> even_tasks(const attnrec_csr &pattern, int64_t n) {
  const int64_t share = ceil_div(pattern.indptr[pattern.rows], n);
  std::vector<int64_t> out{0};
  for (int64_t row = 1; row < pattern.rows; ++row) {
    const int64_t first = out.back();
    if (row - first == kRowsAtMost || pattern.indptr[row] - pattern.indptr[first] >= share) out.push_back(row);
  }
  out.push_back(pattern.rows);
  return out;
}

// Columns [first, first + n) of rows [row, row + count), padded with zeros to `width`.
void copy_part(const attnrec_matrix &x, int64_t row, int64_t count, int64_t first, int64_t n, int64_t width,
               float *out) {
  for (int64_t i = 0; i < count; ++i, out += width) {
    const float *from = x.data + (row + i) * x.row_stride + first * x.col_stride;
    for (int64_t k = 0; k < n; ++k) out[k] = from[k * x.col_stride];
    std::fill(out + n, out + width, 0.0F);
  }
}

}  // namespace

void sampled_product(const attnrec_matrix &left, const attnrec_matrix &right, const attnrec_csr &pattern, float *out,
                     const Run &run) {
  const Kernels &k = kernels();
  const int64_t nnz = pattern.indptr[pattern.rows];
  std::fill_n(out, nnz, 0.0F);
  if (nnz == 0) return;
  Threads threads = run.threads;
  const double madds = static_cast<double>(nnz) * static_cast<double>(left.cols + kPanel);
  threads.count = plan_blocks(run, pattern.rows, kRowsWorthAThread, 1, 1, madds).threads;
  const std::vector<int64_t> rows = even_tasks(pattern, threads.count * kTasksPerThread);
  parallel_for(static_cast<int64_t>(rows.size()) - 1, threads, [&](int64_t task) {
    std::vector<int64_t> starts;
    const auto at = static_cast<std::size_t>(task);
    const int64_t first = rows[at];
    const int64_t n_rows = rows[at + 1] - first;
    const auto wanted = by_block(pattern, first, rows[at + 1], starts);
    const Buffer<float> x(n_rows * kPartCols);
    const Buffer<float> y(kBlockRows * kPartCols);
    std::vector<float> rest(left.cols > kPartCols ? wanted.size() : 0, 0.0F);  // of the sum over parts (long_sum.h)
    for (int64_t c = 0; c < left.cols; c += kPartCols) {
      check_cancelled();
      const int64_t n = std::min(kPartCols, left.cols - c);
      const int64_t width = round_up(n, kDotPartials);
      copy_part(left, first, n_rows, c, n, width, x.get());
      for (std::size_t b = 0; b + 1 < starts.size(); ++b) {
        const int64_t block = static_cast<int64_t>(b) * kBlockRows;
        copy_part(right, block, std::min(kBlockRows, right.rows - block), c, n, width, y.get());
        for (int64_t i = starts[b]; i < starts[b + 1];) {
          const Wanted *w = wanted.data() + i;
          const float *items[kRowsAtOnce];
          float sums[kRowsAtOnce];
          int64_t count = 0;
          for (; count < kRowsAtOnce && i + count < starts[b + 1] && w[count].row == w->row; ++count) {
            items[count] = y.get() + (w[count].col - block) * width;
          }
          k.row_dots(x.get() + (w->row - first) * width, items, count, width, sums);
          for (int64_t r = 0; r < count; ++r) {
            float &whole = out[w[r].at];
            if (rest.empty()) {
              whole += sums[r];
            } else {
              float &lost = rest[static_cast<std::size_t>(i + r)];
              lost += sums[r];
              two_sum(whole, lost);
            }
          }
          i += count;
        }
      }
    }
  });
}

}  // namespace attnrec
