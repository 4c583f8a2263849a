// Reading rows of a matrix in any of its forms. Ops only.
#include "operand.h"

#include "../../core/dispatch.h"

#include <algorithm>

namespace attnrec {
namespace {

// out[k * stride] = x[row][k]; elements of sparse rows not stored are left as they are (the caller clears).
void copy_row(const attnrec_operand &x, int64_t row, float *out, int64_t stride) {
  if (x.dense != nullptr) {
    const float *at = x.dense->data + row * x.dense->row_stride;
    const int64_t step = x.dense->col_stride;
    for (int64_t k = 0; k < x.dense->cols; ++k) out[k * stride] = at[k * step];
  } else if (x.csr != nullptr) {
    for (int64_t p = x.csr->indptr[row]; p < x.csr->indptr[row + 1]; ++p) {
      out[x.csr->indices[p] * stride] += x.csr->data[p];
    }
  } else {
    const float *at = item_of(*x.index, row);
    const int64_t step = stride_of(*x.index);
    for (int64_t k = 0; k < x.index->d; ++k) out[k * stride] = at[k * step];
  }
}

}  // namespace

int64_t rows_of(const attnrec_operand &x) {
  return x.dense != nullptr ? x.dense->rows : x.csr != nullptr ? x.csr->rows : x.index->n;
}

int64_t cols_of(const attnrec_operand &x) {
  return x.dense != nullptr ? x.dense->cols : x.csr != nullptr ? x.csr->cols : x.index->d;
}

template <class Id>
void pack_lanes(const attnrec_operand &x, const Id *ids, int64_t first, int64_t count, int64_t lanes, float *out) {
  if (count < lanes || x.csr != nullptr) std::fill(out, out + cols_of(x) * lanes, 0.0F);
  for (int64_t l = 0; l < count; ++l) copy_row(x, ids != nullptr ? ids[l] : first + l, out + l, lanes);
}

template void pack_lanes(const attnrec_operand &, const int32_t *, int64_t, int64_t, int64_t, float *);
template void pack_lanes(const attnrec_operand &, const int64_t *, int64_t, int64_t, int64_t, float *);

void pack_panels(const attnrec_operand &x, const int32_t *ids, int64_t first, int64_t count, float *out) {
  const int64_t d = cols_of(x);
  attnrec_matrix rows{};
  if (x.dense != nullptr) rows = *x.dense;
  if (x.index != nullptr && !x.index->in_panels) rows = {x.index->data.get(), x.index->n, d, d, 1};
  const bool contiguous = rows.data != nullptr && rows.col_stride == 1;
  for (int64_t j = 0; j < count; j += kPanel) {
    const int32_t *panel_ids = ids == nullptr ? nullptr : ids + j;
    if (contiguous && count - j >= kPanel) {
      const float *at[kPanel];
      for (int64_t i = 0; i < kPanel; ++i) {
        at[i] = rows.data + (ids != nullptr ? panel_ids[i] : first + j + i) * rows.row_stride;
      }
      kernels().pack(at, d, out + j * d);
      continue;
    }
    pack_lanes(x, panel_ids, first + j, std::min(kPanel, count - j), kPanel, out + j * d);
  }
}

}  // namespace attnrec
