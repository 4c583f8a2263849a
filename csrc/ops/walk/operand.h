// Reading rows of a matrix in any of its forms: shapes, and packing into lanes or panels. Ops only.
#pragma once
#include "../../kernels/table.h"
#include "../ops.h"

namespace attnrec {

int64_t rows_of(const attnrec_operand &x);
int64_t cols_of(const attnrec_operand &x);

constexpr int64_t round_up(int64_t n, int64_t to) { return (n + to - 1) / to * to; }
constexpr int64_t ceil_div(int64_t n, int64_t by) { return (n + by - 1) / by; }

// A number without order for each: Stafford's variant 13 of the finaliser of MurmurHash3.
inline uint64_t mixed(int64_t i) {
  auto x = static_cast<uint64_t>(i) + 0x9E3779B97F4A7C15ULL;
  x = (x ^ (x >> 30U)) * 0xBF58476D1CE4E5B9ULL;
  x = (x ^ (x >> 27U)) * 0x94D049BB133111EBULL;
  return x ^ (x >> 31U);
}

// Element k of item j of an index is item_of(index, j)[k * stride_of(index)].
inline int64_t stride_of(const attnrec_index &index) { return index.in_panels ? kPanel : 1; }
inline const float *item_of(const attnrec_index &index, int64_t j) {
  return index.data.get() + (index.in_panels ? j / kPanel * kPanel * index.d + j % kPanel : j * index.d);
}

// out[k][l] = x[row(l)][k] for l < count, 0 for the other lanes; row(l) = ids ? ids[l] : first + l
template <class Id>
void pack_lanes(const attnrec_operand &x, const Id *ids, int64_t first, int64_t count, int64_t lanes, float *out);

// Panels of 12 rows, padded with zeros: out[p][k][i] = x[row(12 p + i)][k]
void pack_panels(const attnrec_operand &x, const int32_t *ids, int64_t first, int64_t count, float *out);

}  // namespace attnrec
