// Checks of what comes in through the C interface. Border: no kernels, no Python.
#include "check.h"

#include <algorithm>
#include <cfloat>
#include <cmath>
#include <numeric>

#include "../ops/walk/operand.h"

namespace attnrec {
namespace {

constexpr int64_t kMaxRows = INT32_MAX - 64;  // ids are 32 bits inside

void check_dense(ArgumentName who, const attnrec_matrix &m) {
  if (m.rows < 0 || m.cols < 0) fail(who.op, ": ", who.name, " has the shape ", shape(m.rows, m.cols));
  if (m.data == nullptr && m.rows > 0 && m.cols > 0) fail(who.op, ": ", who.name, " has no data");
  int64_t bytes = 0;
  if (__builtin_mul_overflow(m.rows, std::max<int64_t>(1, m.cols), &bytes) ||
      __builtin_mul_overflow(bytes, static_cast<int64_t>(sizeof(float)), &bytes)) {
    fail(who.op, ": ", who.name, " ", shape(m.rows, m.cols), " is larger than can be addressed");
  }
  if (m.rows == 0 || m.cols == 0) return;
  const auto leads_away = [](int64_t length, int64_t stride) {  // so far that a sum of two could not be told
    constexpr int64_t quarter = 4 * sizeof(float);
    return __builtin_mul_overflow(length - 1, stride, &stride) || __builtin_mul_overflow(stride, quarter, &stride);
  };
  if (leads_away(m.rows, m.row_stride) || leads_away(m.cols, m.col_stride)) {
    fail(who.op, ": ", who.name, " ", shape(m.rows, m.cols), " has the strides ", shape(m.row_stride, m.col_stride),
         ", in elements, which lead past what can be addressed; give those of its memory");
  }
}

// Whether every column is one of the matrix, and whether columns rise within each row, in one walk without an early
// end, so that the compiler can take many at a time.
struct Columns {
  bool in_range = true, rise = true;
};

Columns look_at_columns(const attnrec_csr &m) {
  constexpr int64_t block = 1 << 16;
  const auto last = static_cast<int32_t>(std::min<int64_t>(m.cols - 1, INT32_MAX));
  const int64_t nnz = m.indptr[m.rows];
  int64_t falls = 0;  // less those between rows
  Columns found;
  for (int64_t from = 0; from < nnz; from += block) {
    const int32_t *at = m.indices + from;
    const int64_t count = std::min(block, nnz - from);
    int32_t here = from > 0 && at[-1] >= at[0];
    int32_t outside = at[0] < 0 || at[0] > last;
    for (int64_t p = 1; p < count; ++p) {
      here += static_cast<int32_t>(at[p - 1] >= at[p]);
      outside |= static_cast<int32_t>(at[p] < 0) | static_cast<int32_t>(at[p] > last);
    }
    falls += here;
    found.in_range &= outside == 0;
  }
  for (int64_t i = 1; i < m.rows; ++i) {
    const int64_t p = m.indptr[i];
    if (p > 0 && p < m.indptr[i + 1]) falls -= static_cast<int64_t>(m.indices[p - 1] >= m.indices[p]);
  }
  found.rise = falls == 0;
  return found;
}

// Whether columns rise within each row.
bool check_csr(ArgumentName who, const attnrec_csr &m, bool needs_data) {
  if (m.rows < 0 || m.cols < 0) fail(who.op, ": ", who.name, " has the shape ", shape(m.rows, m.cols));
  if (m.indptr == nullptr || m.indptr[0] != 0) fail(who.op, ": ", who.name, ".indptr does not start with 0");
  for (int64_t i = 0; i < m.rows; ++i) {
    if (m.indptr[i + 1] < m.indptr[i]) fail(who.op, ": ", who.name, ".indptr decreases at row ", i);
  }
  const int64_t nnz = m.indptr[m.rows];
  if (nnz > 0 && (m.indices == nullptr || (needs_data && m.data == nullptr))) {
    fail(who.op, ": ", who.name, " has ", nnz, " entries but no ", m.indices == nullptr ? "indices" : "data");
  }
  const Columns columns = look_at_columns(m);
  if (columns.in_range) return columns.rise;
  for (int64_t i = 0; i < m.rows; ++i) {
    for (int64_t p = m.indptr[i]; p < m.indptr[i + 1]; ++p) {
      if (m.indices[p] < 0 || m.indices[p] >= m.cols) {
        fail(who.op, ": ", who.name, " row ", i, " holds column ", m.indices[p], ", outside its shape ",
             shape(m.rows, m.cols));
      }
    }
  }
  return columns.rise;
}

struct Extent {
  const char *begin, *end;
};

Extent extent_of(const attnrec_operand &x) {
  if (x.csr != nullptr) {
    return {reinterpret_cast<const char *>(x.csr->data),
            reinterpret_cast<const char *>(x.csr->data + x.csr->indptr[x.csr->rows])};
  }
  if (x.dense == nullptr || x.dense->rows == 0 || x.dense->cols == 0) return {nullptr, nullptr};
  const attnrec_matrix &m = *x.dense;
  const int64_t down = (m.rows - 1) * m.row_stride;
  const int64_t across = (m.cols - 1) * m.col_stride;
  const int64_t low = std::min<int64_t>(0, down) + std::min<int64_t>(0, across);
  const int64_t high = std::max<int64_t>(0, down) + std::max<int64_t>(0, across) + 1;
  return {reinterpret_cast<const char *>(m.data + low), reinterpret_cast<const char *>(m.data + high)};
}

}  // namespace

std::string shape(int64_t rows, int64_t cols) {
  std::ostringstream out;
  out << "(" << rows << ", " << cols << ")";
  return out.str();
}

std::string shape(const attnrec_operand &x) { return shape(rows_of(x), cols_of(x)); }

void check_operand(ArgumentName who, const attnrec_operand *x, bool index_is_allowed) {
  const int forms = x == nullptr ? 0 : (x->dense != nullptr) + (x->csr != nullptr) + (x->index != nullptr);
  if (forms != 1) fail(who.op, ": ", who.name, " has to be given in exactly one form");
  if (x->index != nullptr && !index_is_allowed) fail(who.op, ": ", who.name, " can not be an index; give the matrix");
  if (x->dense != nullptr) check_dense(who, *x->dense);
  if (rows_of(*x) > kMaxRows || cols_of(*x) > kMaxRows) {
    fail(who.op, ": ", who.name, " ", shape(*x), " has an axis longer than ", kMaxRows);
  }
}

void check_same_width(const char *op, const char *a_name, const attnrec_operand &a, const char *b_name,
                      const attnrec_operand &b) {
  if (cols_of(a) == cols_of(b)) return;
  fail(op, ": ", a_name, " ", shape(a), " and ", b_name, " ", shape(b),
       " differ in their last axis; both need the same features");
}

void check_scale(const char *op, float scale) {
  if (!std::isfinite(scale)) fail(op, ": scale is ", scale, "; it has to be finite in float32");
}

void check_output(const char *op, const Output &out, const std::vector<const attnrec_operand *> &inputs,
                  const std::vector<const char *> &names) {
  int64_t bytes = 0;
  if (__builtin_mul_overflow(out.rows, out.cols, &bytes) || __builtin_mul_overflow(bytes, out.item_size, &bytes)) {
    fail(op, ": a result of shape ", shape(out.rows, out.cols), " is larger than can be addressed");
  }
  if (bytes == 0) return;
  if (out.data == nullptr) fail(op, ": ", out.name, " is missing");
  const auto *begin = static_cast<const char *>(out.data);
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (inputs[i] == nullptr) continue;
    const Extent e = extent_of(*inputs[i]);
    if (e.begin != nullptr && begin < e.end && e.begin < begin + bytes) {
      fail(op, ": ", out.name, " overlaps ", names[i], "; give memory of its own");
    }
  }
}

void check_apart(const char *op, std::initializer_list<Output> outputs, std::initializer_list<Output> inputs) {
  const auto check = [&](const Output &later, const Output &before) {
    const auto *a = static_cast<const char *>(later.data);
    const auto *b = static_cast<const char *>(before.data);
    const int64_t a_bytes = later.rows * later.cols * later.item_size;
    const int64_t b_bytes = before.rows * before.cols * before.item_size;
    if (a == nullptr || b == nullptr || a_bytes == 0 || b_bytes == 0) return;
    if (a < b + b_bytes && b < a + a_bytes) {
      fail(op, ": ", later.name, " overlaps ", before.name, "; give memory of its own");
    }
  };
  for (const Output *out = outputs.begin(); out != outputs.end(); ++out) {
    for (const Output *other = outputs.begin(); other != out; ++other) check(*out, *other);
    for (const Output &in : inputs) check(in, *out);
  }
}

float check_finite(ArgumentName who, const attnrec_operand &x, const Run &run, bool skip) {
  if (skip) return 0;
  const float top = max_abs(x, run);
  if (!std::isfinite(top)) {
    fail(who.op, ": ", who.name, " holds NaN or infinity (as float32) in row ", first_row_not_finite(x),
         "; remove or impute it");
  }
  return top;
}

float check_finite(ArgumentName who, const float *x, int64_t n, bool skip) {
  float top = 0;
  if (skip || x == nullptr) return top;
  for (int64_t i = 0; i < n; ++i) {
    if (!std::isfinite(x[i])) fail(who.op, ": ", who.name, " holds NaN or infinity at ", i, "; remove or impute it");
    top = std::max(top, std::fabs(x[i]));
  }
  return top;
}

void check_magnitude(const char *op, int64_t terms, float a, float b, float scale, float bias) {
  const double product =
      static_cast<double>(std::max<int64_t>(1, terms)) * static_cast<double>(a) * static_cast<double>(b);
  const double bound = std::max(product, product * std::fabs(static_cast<double>(scale)) + static_cast<double>(bias));
  if (bound < FLT_MAX / 4) return;
  fail(op, ": products of inputs as large as ", a, " and ", b, " may pass the range of float32; scale them down");
}

Canonical::Canonical(ArgumentName who, const attnrec_csr &x, bool with_data) : csr_(x) {
  if (check_csr(who, x, with_data)) return;
  double sum = 0;
  std::vector<int64_t> order;
  indptr_.push_back(0);
  for (int64_t i = 0; i < x.rows; ++i) {
    order.resize(static_cast<std::size_t>(x.indptr[i + 1] - x.indptr[i]));
    std::iota(order.begin(), order.end(), x.indptr[i]);
    std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) { return x.indices[a] < x.indices[b]; });
    for (const int64_t p : order) {
      const bool repeated = static_cast<int64_t>(indices_.size()) > indptr_.back() && indices_.back() == x.indices[p];
      if (!repeated) indices_.push_back(x.indices[p]);
      if (!with_data) continue;
      if (!repeated) data_.push_back(0);
      sum = repeated ? sum + static_cast<double>(x.data[p]) : static_cast<double>(x.data[p]);
      data_.back() = static_cast<float>(sum);
    }
    indptr_.push_back(static_cast<int64_t>(indices_.size()));
  }
  csr_.indptr = indptr_.data();
  csr_.indices = indices_.data();
  csr_.data = data_.data();
}

std::vector<Canonical> check_pattern(ArgumentName who, const attnrec_csr *x, int64_t b, int64_t n) {
  std::vector<Canonical> out;
  if (x == nullptr) return out;
  if (x->rows != b || x->cols != n) {
    fail(who.op, ": ", who.name, " ", shape(x->rows, x->cols),
         " does not fit; it needs a row a query and a column an item, ", shape(b, n));
  }
  out.emplace_back(who, *x, false);
  return out;
}

void check_samples(ArgumentName who, const attnrec_csr &x, const attnrec_operand &left, const attnrec_operand &right) {
  if (x.rows != rows_of(left) || x.cols != rows_of(right)) {
    fail(who.op, ": ", who.name, " ", shape(x.rows, x.cols), " does not fit left ", shape(left), " and right ",
         shape(right), "; it needs a row for each of left and a column for each of right, ",
         shape(rows_of(left), rows_of(right)));
  }
  check_csr(who, x, false);
}

void check_id_range(ArgumentName who, const int64_t *ids, int64_t count, int64_t n) {
  if (count < 0 || (count > 0 && ids == nullptr)) fail(who.op, ": ", who.name, " is missing");
  for (int64_t i = 0; i < count; ++i) {
    if (ids[i] < 0 || ids[i] >= n) {
      fail(who.op, ": ", who.name, "[", i, "] is ", ids[i], "; there are ", n, " rows, counted from 0");
    }
  }
}

std::vector<int32_t> sorted_ids(const int64_t *ids, int64_t count) {
  std::vector<int32_t> out;
  out.reserve(static_cast<std::size_t>(count));
  for (int64_t i = 0; i < count; ++i) out.push_back(static_cast<int32_t>(ids[i]));
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

void check_precision(const char *op, attnrec_precision precision) {
  if (precision >= ATTNREC_PRECISION_AUTO && precision <= ATTNREC_PRECISION_INT8) return;
  fail(op, ": precision ", static_cast<int>(precision), " is none of auto, float32 and int8");
}

}  // namespace attnrec
