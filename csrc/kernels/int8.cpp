// One table of 8-bit kernels. Compiled once per level of 8-bit instructions, as isa.cpp is. Exports one symbol.
#include "int8_table.h"
#include "row.h"
#include "table.h"
#include "vec_int8.h"

#define ATTNREC_JOIN2(a, b) a##b
#define ATTNREC_JOIN(a, b) ATTNREC_JOIN2(a, b)

namespace attnrec {
namespace {

// T of one panel: see the certificate in int8_table.h
__attribute__((always_inline)) inline Vec pass_over(const PanelBound &panel, const LaneBound *lane, ptrdiff_t at,
                                                    const float *threshold) {
  const Vec t = load(threshold + at);
  const Vec bias = set1(panel.bias);
  const Vec zero = set1(0.0F);
  const Vec size = add(max_of(t, sub(zero, t)), max_of(bias, sub(zero, bias)));
  const Vec room = sub(sub(t, bias), mul(size, set1(0x1p-20F)));
  const Vec scaled = mul(mul(room, load(lane->per_step + at)), set1(panel.per_step));
  const Vec error = fma(load(lane->error + at), set1(panel.nu), mul(load(lane->norm + at), set1(panel.rho)));
  return sub(sub(scaled, error), set1(0.25F));
}

template <int Rows, int Vecs>
__attribute__((always_inline)) inline int64_t scan_tile(const uint8_t *panel, const int8_t *queries, int64_t depth,
                                                        const IVec *start, const Vec *over, int32_t first, Hit *hits) {
  IVec c[Rows][Vecs];
#pragma GCC unroll 12
  for (int r = 0; r < Rows; ++r) {
#pragma GCC unroll 2
    for (int v = 0; v < Vecs; ++v) c[r][v] = start[v];
  }
  for (int64_t k = 0; k < depth; k += kSteps) {
    IVec b[Vecs][kSteps];
#pragma GCC unroll 2
    for (int v = 0; v < Vecs; ++v) {
#pragma GCC unroll 2
      for (int t = 0; t < kSteps; ++t) b[v][t] = iload(queries + ((k + t) * Vecs + v) * kWidth * 4);
    }
#pragma GCC unroll 12
    for (int r = 0; r < Rows; ++r) {
      IVec a[kSteps];
#pragma GCC unroll 2
      for (int t = 0; t < kSteps; ++t) a[t] = ibroadcast(panel + ((k + t) * kPanel + r) * 4);
#pragma GCC unroll 2
      for (int v = 0; v < Vecs; ++v) c[r][v] = dot(c[r][v], a, b[v]);
    }
  }
  uint32_t any = 0;
#pragma GCC unroll 2
  for (int v = 0; v < Vecs; ++v) {
    IVec top = c[0][v];
#pragma GCC unroll 12
    for (int r = 1; r < Rows; ++r) top = imax(top, c[r][v]);
    any |= above_mask(to_float(top), over[v]);
  }
  if (any == 0) return 0;
  int64_t found = 0;
#pragma GCC unroll 12
  for (int r = 0; r < Rows; ++r) {
    uint32_t mask = 0;
#pragma GCC unroll 2
    for (int v = 0; v < Vecs; ++v) mask |= above_mask(to_float(c[r][v]), over[v]) << (v * kWidth);
    hits[found] = {first + r, mask};
    found += mask != 0 ? 1 : 0;
  }
  return found;
}

template <int Vecs>
int64_t scan_of(const uint8_t *panels, const PanelBound *bounds, int64_t n_panels, const int8_t *queries,
                const LaneBound *lane, int64_t depth, const float *threshold, Hit *hits) {
  constexpr int rows = Vecs == 1 && kInt8Rows == 6 && kSteps == 1 ? 12 : kInt8Rows;
  IVec start[Vecs];
  for (int v = 0; v < Vecs; ++v) start[v] = iload(lane->start + v * kWidth);
  int64_t found = 0;
  for (int64_t p = 0; p < n_panels; ++p) {
    Vec over[Vecs];
    for (int v = 0; v < Vecs; ++v) over[v] = pass_over(bounds[p], lane, v * kWidth, threshold);
    for (int r = 0; r < kPanel; r += rows) {
      found += scan_tile<rows, Vecs>(panels + (p * depth * kPanel + r) * 4, queries, depth, start, over,
                                     static_cast<int32_t>(p * kPanel + r), hits + found);
    }
  }
  return found;
}

// One query: items in the lanes. Memory is the limit, so panels are read one after another, and ahead.
int64_t scan_row(const uint8_t *panels, const PanelBound *bounds, int64_t n_panels, const int8_t *query,
                 const LaneBound *lane, int64_t depth, float threshold, Hit *hits) {
  constexpr int64_t row = kPanel * 4;
  constexpr int64_t ahead = 2048;
  const float thresholds[kWidth] = {threshold};
  int64_t found = 0;
  const uint8_t *at = panels;
  for (int64_t p = 0; p < n_panels; ++p) {
    IVec c[kParts];
#pragma GCC unroll 3
    for (int i = 0; i < kParts; ++i) c[i] = iset1(lane->start[0]);
    for (int64_t k = 0; k < depth; k += kSteps, at += kSteps * row) {
      IVec b[kSteps];
#pragma GCC unroll 2
      for (int t = 0; t < kSteps; ++t) {
        __builtin_prefetch(at + ahead + t * row);
        b[t] = ibroadcast(query + (k + t) * 4);
      }
#pragma GCC unroll 3
      for (int i = 0; i < kParts; ++i) {
        IVec a[kSteps];
#pragma GCC unroll 2
        for (int t = 0; t < kSteps; ++t) a[t] = iload(at + t * row + part_at(i) * 4);
        c[i] = dot(c[i], a, b);
      }
    }
    float over[kWidth];
    store(over, pass_over(bounds[p], lane, 0, thresholds));
    uint32_t mask = 0;
#pragma GCC unroll 3
    for (int i = 0; i < kParts; ++i) mask |= above_mask(to_float(c[i]), set1(over[0])) << part_at(i);
    for (mask &= (1U << kPanel) - 1; mask != 0; mask &= mask - 1) {
      hits[found++] = {static_cast<int32_t>(p * kPanel) + __builtin_ctz(mask), 1U};
    }
  }
  return found;
}

int64_t scan_int8(const uint8_t *panels, const PanelBound *bounds, int64_t n_panels, const int8_t *queries,
                  const LaneBound *lane, int64_t depth, int64_t lanes, const float *threshold, Hit *hits) noexcept {
  if (lanes == 1) return scan_row(panels, bounds, n_panels, queries, lane, depth, *threshold, hits);
  return (lanes == kWidth ? scan_of<1> : scan_of<2>)(panels, bounds, n_panels, queries, lane, depth, threshold, hits);
}

#if defined(ATTNREC_ISA_SCALAR)
constexpr bool kFast = false;
#else
constexpr bool kFast = true;
#endif

}  // namespace

extern const Int8Kernels ATTNREC_JOIN(int8_, ATTNREC_LEVEL);
const Int8Kernels ATTNREC_JOIN(int8_, ATTNREC_LEVEL) = {
    kQueryLevels, kItemLevels, kItemOffset, kFast, scan_int8,
};

}  // namespace attnrec
