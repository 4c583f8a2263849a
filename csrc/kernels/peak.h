// The multiply-add rate of the processor, as a yardstick for the other kernels. Kernels only.
#pragma once
#include "table.h"
#include "tile.h"
#include "vec.h"

namespace attnrec {
namespace {

// As many independent chains as the register tile has, on registers alone.
double fma_chains(int64_t rounds, float *sink) noexcept {
  Tile<kTileRows, 2> t;
  const Vec a = load(sink);
  const Vec b = load(sink + kWidth);
  for (int r = 0; r < kTileRows; ++r) {  // each its own start, or the compiler makes one chain of all
    for (int v = 0; v < 2; ++v) t.c[r][v] = add(a, set1(static_cast<float>(2 * r + v)));
  }
  for (int64_t i = 0; i < rounds; ++i) {
#pragma GCC unroll 12
    for (int r = 0; r < kTileRows; ++r) {
#pragma GCC unroll 2
      for (int v = 0; v < 2; ++v) t.c[r][v] = fma(a, b, t.c[r][v]);
    }
  }
  Vec sum = set1(0.0F);
  each_of(t, [&](int, int, Vec c) { sum = add(sum, c); });
  store(sink, sum);
  return 2.0 * kTileRows * 2 * kWidth * static_cast<double>(rounds);
}

}  // namespace
}  // namespace attnrec
