// How bytes become matrices, indexes and ids. Fuzzing: knows attnrec.h alone.
#include "operands.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace attnrec_fuzz {
namespace {

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
constexpr int64_t kMost = 1000;  // an axis longer than this is one that no memory goes with

float float_of(uint32_t bits) {
  float out;
  std::memcpy(&out, &bits, sizeof(out));
  return out;
}

float between_minus_one_and_one(Random &random) {
  return static_cast<float>(static_cast<double>(random.next() >> 40) / (1 << 23) - 1);
}

}  // namespace

int64_t extent(Bytes &bytes) {
  static const int64_t kOdd[] = {-1,
                                 INT32_MAX - int64_t{63},
                                 INT64_MAX,
                                 INT64_MIN,
                                 int64_t{1} << 31,
                                 int64_t{1} << 62,
                                 (int64_t{1} << 62) + 1,
                                 int64_t{1} << 33};
  const int64_t kind = bytes.below(256);
  if (kind < 200) return kind % 15;
  if (kind < 252) return bytes.below(kind < 240 ? 25 : 48);
  return kind < 254 ? bytes.below(140) : bytes.one_of(kOdd);
}

int64_t about(Bytes &bytes, int64_t n) { return bytes.one_in(32) ? extent(bytes) : n; }

Numbers::Numbers(Bytes &bytes)
    : bytes_(bytes), style_(bytes.below(16)), random_(bytes.raw<uint16_t>()), constant_(bytes.one_in(3) ? 0.0F : 1.5F) {
}

float Numbers::next() {
  static const float kSpecial[] = {0.0F,     -0.0F,    1.0F,  3.4028235e38F, -3.4028235e38F,
                                   1.2e-38F, 1.0e-45F, 1e19F, -1e19F,        1e-19F};
  float x = 0;
  switch (style_) {
    case 9:
      x = static_cast<float>(random_.below(7) - 3);
      break;
    case 10:
      x = constant_;
      break;
    case 11:
      x = float_of(static_cast<uint32_t>(random_.below(1 << 23)));
      break;
    case 12:
      x = std::ldexp(between_minus_one_and_one(random_), static_cast<int>(random_.below(250)) - 125);
      break;
    case 13:
      x = kSpecial[random_.below(10)];
      break;
    case 14:
      x = random_.below(40) == 0 ? float_of(0x7F800000U | static_cast<uint32_t>(random_.below(3))) : 1;
      break;
    case 15:
      x = bytes_.raw<float>();
      break;
    default:
      x = between_minus_one_and_one(random_) * (style_ == 8 ? 1e9F : 1.0F);
  }
  finite_ = finite_ && std::isfinite(x);
  return x;
}

std::unique_ptr<float[]> vector_of(Bytes &bytes, int64_t n, bool *finite) {
  if (n < 0 || n > kMost * kMost || bytes.one_in(16)) return nullptr;
  Numbers numbers(bytes);
  auto out = room<float>(n);
  for (int64_t i = 0; i < n; ++i) out[i] = numbers.next();
  *finite = *finite && numbers.finite();
  return out;
}

std::vector<int64_t> ids_below(Bytes &bytes, int64_t n) {
  static const int64_t kOdd[] = {-1, INT64_MAX, INT64_MIN, int64_t{1} << 32};
  std::vector<int64_t> out(static_cast<std::size_t>(bytes.below(24)));
  Random random(bytes.raw<uint8_t>());
  for (int64_t &id : out) id = n > 0 ? random.below(n) : 0;
  if (!out.empty() && bytes.one_in(16)) out.back() = bytes.one_in(2) ? n : bytes.one_of(kOdd);
  out.shrink_to_fit();
  return out;
}

Dense::Dense(Bytes &bytes, int64_t rows, int64_t cols) {
  view = {nullptr, rows, cols, cols, 1};
  const int64_t layout = bytes.below(16);
  if (std::max(rows, cols) > kMost || std::min(rows, cols) < 0) {
    memory_ = room<float>(1);
    memory_[0] = 1;
    view.data = layout == 15 ? nullptr : memory_.get();
    view.row_stride = layout % 2 == 0 ? cols : 1;
    return;
  }
  switch (layout) {
    case 8:
      view.row_stride = cols + 3;
      break;
    case 9:
      view.row_stride = 1, view.col_stride = rows;
      break;
    case 10:
      view.row_stride = -cols;
      break;
    case 11:
      view.row_stride = 2 * cols, view.col_stride = -2;
      break;
    case 12:
      view.row_stride = 0;
      break;
    case 13:
      view.row_stride = view.col_stride = 0;
      break;
    case 14:
      view.row_stride = 1;
      break;  // rows overlap
    default:
      break;
  }
  const int64_t kAny[] = {INT64_MAX, INT64_MIN, -1, 0, bytes.raw<int64_t>()};
  if (rows <= 1 && bytes.one_in(4)) view.row_stride = bytes.one_of(kAny);  // leads nowhere
  if (cols <= 1 && bytes.one_in(4)) view.col_stride = bytes.one_of(kAny);
  if (rows == 0 || cols == 0) {
    memory_ = room<float>(0);
    view.data = rows == 0 && bytes.one_in(2) ? nullptr : memory_.get();
    return;
  }
  const int64_t down = rows > 1 ? (rows - 1) * view.row_stride : 0;
  const int64_t across = cols > 1 ? (cols - 1) * view.col_stride : 0;
  const int64_t low = std::min<int64_t>(0, down) + std::min<int64_t>(0, across);
  const int64_t high = std::max<int64_t>(0, down) + std::max<int64_t>(0, across);
  memory_ = room<float>(high - low + 1);
  std::fill_n(memory_.get(), high - low + 1, kNaN);
  Numbers numbers(bytes);
  for (int64_t i = 0; i < rows; ++i) {
    for (int64_t j = 0; j < cols; ++j) {
      const int64_t at = (rows > 1 ? i * view.row_stride : 0) + (cols > 1 ? j * view.col_stride : 0) - low;
      memory_[at] = numbers.next();
    }
  }
  for (int64_t i = 0; i < rows; ++i) {  // what was written twice counts as it is now
    for (int64_t j = 0; j < cols; ++j) {
      const int64_t at = (rows > 1 ? i * view.row_stride : 0) + (cols > 1 ? j * view.col_stride : 0) - low;
      finite = finite && std::isfinite(memory_[at]);
    }
  }
  view.data = bytes.one_in(32) ? nullptr : memory_.get() - low;
}

Sparse::Sparse(Bytes &bytes, int64_t rows, int64_t cols, bool only_pattern) {
  view.rows = rows;
  view.cols = cols;
  const int64_t kind = bytes.below(16);
  if (rows < 0 || rows > kMost) return;
  Random random(bytes.raw<uint16_t>());
  const int64_t most = cols <= 0 ? 0 : std::min<int64_t>(cols, 1 + bytes.below(12));
  indptr_ = room<int64_t>(rows + 1);
  indptr_[0] = 0;
  for (int64_t i = 0; i < rows; ++i) indptr_[i + 1] = indptr_[i] + (most == 0 ? 0 : random.below(most + 1));
  if (kind == 12) indptr_[random.below(rows + 1)] = bytes.raw<int16_t>();
  const int64_t nnz = std::min<int64_t>(std::max<int64_t>(0, indptr_[rows]), 40 * kMost);
  if (kind == 13) indptr_[0] = 1;
  indices_ = room<int32_t>(nnz);
  for (int64_t p = 0; p < nnz; ++p) {
    indices_[p] = cols > 0 ? static_cast<int32_t>(random.below(std::min<int64_t>(cols, INT32_MAX))) : 0;
  }
  if (kind < 8) {  // sorted, without repeated entries
    for (int64_t i = 0; i < rows; ++i) {
      const int64_t n = indptr_[i + 1] - indptr_[i];
      for (int64_t p = 0; p < n; ++p) {
        const int64_t step = std::min<int64_t>(cols, INT32_MAX) / n;
        indices_[indptr_[i] + p] = static_cast<int32_t>(p * step + indices_[indptr_[i] + p] % step);
      }
    }
  }
  if (kind == 14 && nnz > 0) indices_[random.below(nnz)] = bytes.raw<int32_t>();
  data_ = room<float>(nnz);
  Numbers numbers(bytes);
  for (int64_t p = 0; p < nnz; ++p) data_[p] = numbers.next();
  view.indptr = kind == 15 && bytes.one_in(4) ? nullptr : indptr_.get();
  view.indices = kind == 15 && bytes.one_in(4) ? nullptr : indices_.get();
  view.data = only_pattern || (kind == 15 && bytes.one_in(4)) ? nullptr : data_.get();
  finite = view.data == nullptr || numbers.finite();
}

bool Sparse::holds(int64_t row, int64_t col) const {
  for (int64_t p = indptr_[row]; p < indptr_[row + 1]; ++p) {
    if (indices_[p] == col) return true;
  }
  return false;
}

std::unique_ptr<Sparse> pattern(Bytes &bytes, int64_t rows, int64_t cols) {
  if (bytes.below(3) != 2) return nullptr;
  rows = about(bytes, rows);
  return std::make_unique<Sparse>(bytes, rows, about(bytes, cols), bytes.one_in(2));
}

Operand::Operand(Bytes &bytes, int64_t rows, int64_t cols) {
  const int64_t form = bytes.below(32);
  rows = about(bytes, rows);
  cols = about(bytes, cols);
  if (form < 22 || form == 30) dense_ = std::make_unique<Dense>(bytes, rows, cols);
  if (form >= 16 && form < 26) {
    if (form < 22) dense_ = nullptr;
    sparse_ = std::make_unique<Sparse>(bytes, rows, cols, false);
  }
  if (form >= 26 && form < 31) {
    const Dense items(bytes, rows, cols);
    attnrec_index *made = nullptr;
    attnrec_run run{};
    run.size = sizeof(run);
    run.num_threads = 1;
    const auto precision = static_cast<attnrec_precision>(bytes.below(3));
    if (attnrec_get_api()->index_create(&items.view, precision, &made, &run) == ATTNREC_OK) index_.reset(made);
  }
  missing_ = form == 31 && bytes.one_in(2);
  view_.dense = dense_ == nullptr ? nullptr : &dense_->view;
  view_.csr = sparse_ == nullptr ? nullptr : &sparse_->view;
  view_.index = index_.get();
}

int64_t rows_of(const attnrec_operand *x, int64_t otherwise) {
  if (x == nullptr) return otherwise;
  if (x->dense != nullptr) return x->dense->rows;
  if (x->csr != nullptr) return x->csr->rows;
  int64_t n = otherwise, d = 0;
  if (x->index != nullptr) attnrec_get_api()->index_shape(x->index, &n, &d);
  return n;
}

bool same_rows(const attnrec_operand *x, int64_t rows) { return rows_of(x, rows) == rows; }

bool same_cols(const attnrec_operand *x, int64_t cols) {
  if (x == nullptr) return true;
  if (x->dense != nullptr) return x->dense->cols == cols;
  return x->csr == nullptr || x->csr->cols == cols;
}

bool Operand::finite() const {
  return (dense_ == nullptr || dense_->finite) && (sparse_ == nullptr || sparse_->finite);
}

}  // namespace attnrec_fuzz
