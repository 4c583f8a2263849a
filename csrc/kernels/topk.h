// The threshold test that finds candidates for the best k in a strip. Kernels only.
#pragma once
#include "row.h"
#include "table.h"
#include "vec.h"

namespace attnrec {
namespace {

int64_t above(const float *strip, int64_t n, int64_t lanes, const float *threshold, Hit *hits) noexcept {
  if (lanes == 1) return above_row(strip, n, *threshold, hits);
  int64_t found = 0;
  for (int64_t j = 0; j < n; ++j) {
    uint32_t mask = 0;
    for (int64_t v = 0; v < lanes; v += kWidth) {
      mask |= above_mask(load(strip + j * lanes + v), load(threshold + v)) << v;
    }
    hits[found] = {static_cast<int32_t>(j), mask};
    found += mask != 0 ? 1 : 0;
  }
  return found;
}

}  // namespace
}  // namespace attnrec
