// What is done to a matrix before it is used: normalised rows, the search for NaN. Ops only.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>

#include "operand.h"
#include "sweep.h"

namespace attnrec {
namespace {

constexpr int64_t kRowsPerTask = 4096;

// task(first row, last row) over all rows, in parallel where there is enough to read
template <class Task>
void in_rows(int64_t rows, int64_t elements, const Run &run, const Task &task) {
  Threads threads = run.threads;
  threads.count = plan_blocks(run, rows, 1, 1, 1, static_cast<double>(elements)).threads;
  parallel_for(ceil_div(rows, kRowsPerTask), threads,
               [&](int64_t i) { task(i * kRowsPerTask, std::min(rows, (i + 1) * kRowsPerTask)); });
}

// Bits of the largest magnitude: ordered like the magnitudes, NaN and infinity above all numbers.
int32_t top_bits(const float *x, int64_t n, int64_t stride) {
  int32_t top = 0;
  for (int64_t i = 0; i < n; ++i) {
    int32_t bits;
    std::memcpy(&bits, x + i * stride, sizeof(bits));
    top = std::max(top, bits & 0x7FFFFFFF);
  }
  return top;
}

int32_t top_bits_of_rows(const attnrec_operand &x, int64_t first, int64_t last) {
  if (x.csr != nullptr)
    return top_bits(x.csr->data + x.csr->indptr[first], x.csr->indptr[last] - x.csr->indptr[first], 1);
  const attnrec_matrix &m = *x.dense;
  if (m.cols == 0) return 0;  // there may be no data to count from
  if (m.col_stride == 1 && m.row_stride == m.cols) return top_bits(m.data + first * m.cols, (last - first) * m.cols, 1);
  int32_t top = 0;
  for (int64_t i = first; i < last; ++i) {
    top = std::max(top, m.col_stride == 1 ? top_bits(m.data + i * m.row_stride, m.cols, 1)
                                          : top_bits(m.data + i * m.row_stride, m.cols, m.col_stride));
  }
  return top;
}

float float_of(int32_t bits) {
  float out;
  std::memcpy(&out, &bits, sizeof(out));
  return out;
}

int64_t elements_of(const attnrec_operand &x) {
  return x.csr != nullptr ? x.csr->indptr[x.csr->rows] : rows_of(x) * cols_of(x);
}

// Divides what is stored of one row by its norm: from[i * stride] -> to[i]
void normalize(const float *from, int64_t stride, int64_t n, float *to) {
  double sum = 0;
  for (int64_t i = 0; i < n; ++i) sum += static_cast<double>(from[i * stride]) * static_cast<double>(from[i * stride]);
  const double by = sum > 0 ? 1.0 / std::sqrt(sum) : 0.0;
  for (int64_t i = 0; i < n; ++i) to[i] = static_cast<float>(static_cast<double>(from[i * stride]) * by);
}

}  // namespace

float max_abs(const attnrec_operand &x, const Run &run) {
  if (x.index != nullptr) return x.index->max_abs;
  const int64_t rows = rows_of(x);
  std::vector<int32_t> tops(static_cast<std::size_t>(ceil_div(rows, kRowsPerTask)), 0);
  in_rows(rows, elements_of(x), run, [&](int64_t first, int64_t last) {
    tops[static_cast<std::size_t>(first / kRowsPerTask)] = top_bits_of_rows(x, first, last);
  });
  return float_of(tops.empty() ? 0 : *std::max_element(tops.begin(), tops.end()));
}

int64_t first_row_not_finite(const attnrec_operand &x) {
  for (int64_t i = 0; i < rows_of(x); ++i) {
    if (!std::isfinite(float_of(top_bits_of_rows(x, i, i + 1)))) return i;
  }
  return -1;
}

Normalized::Normalized(const attnrec_operand &x, const Run &run) {
  const int64_t rows = rows_of(x);
  const int64_t d = cols_of(x);
  data_ = Buffer<float>(elements_of(x));
  in_rows(rows, 4 * elements_of(x), run, [&](int64_t first, int64_t last) {
    for (int64_t i = first; i < last; ++i) {
      if (x.csr != nullptr) {
        const int64_t at = x.csr->indptr[i];
        normalize(x.csr->data + at, 1, x.csr->indptr[i + 1] - at, data_.get() + at);
      } else if (x.dense != nullptr) {
        normalize(x.dense->data + i * x.dense->row_stride, x.dense->col_stride, d, data_.get() + i * d);
      } else {
        normalize(item_of(*x.index, i), stride_of(*x.index), d, data_.get() + i * d);
      }
    }
  });
  if (x.csr != nullptr) {
    csr_ = *x.csr;
    csr_.data = data_.get();
    operand_.csr = &csr_;
  } else {
    dense_ = {data_.get(), rows, d, d, 1};
    operand_.dense = &dense_;
  }
}

}  // namespace attnrec
