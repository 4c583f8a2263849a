// Checks the 8-bit scan of a level against integers in plain C++.
#include <cmath>
#include <cstdio>
#include <random>
#include <vector>

#include "core/dispatch.h"

namespace attnrec {

// The integers that a scan compares, in plain C++, against which rows it reports; for any width, with thresholds at
// and around the integers themselves.
bool int8_scan_is_right(const Level &l) {
  const Int8Kernels &k = *l.int8;
  std::mt19937 engine(77);
  const auto upto = [&](int32_t top) {
    return static_cast<int32_t>(engine() % (2 * static_cast<uint32_t>(top) + 1)) - top;
  };
  for (const int64_t depth : {2, 4, 16, 34}) {
    for (const int64_t lanes : {int64_t{1}, l.table->lanes / 2, l.table->lanes}) {
      for (const int64_t n_panels : {1, 3, 8}) {
        const int64_t n = n_panels * kPanel;
        std::vector<uint8_t> panels(static_cast<std::size_t>(n * depth * 4 + 16));
        std::vector<int8_t> queries(static_cast<std::size_t>(depth * lanes * 4));
        std::vector<int64_t> products(static_cast<std::size_t>(n * lanes));
        std::vector<PanelBound> bounds(static_cast<std::size_t>(n_panels), PanelBound{1, 0, 0, 0});
        LaneBound lane{};
        const bool extreme = depth == 4;  // all at the ends, where 16-bit sums are tightest
        for (int8_t &p : queries) p = static_cast<int8_t>(extreme ? k.query_levels : upto(k.query_levels));
        for (int64_t i = 0; i < n; ++i) {
          for (int64_t c = 0; c < depth * 4; ++c) {
            const int32_t q = extreme ? (i % 2 == 0 ? k.item_levels : -k.item_levels) : upto(k.item_levels);
            const int64_t at = ((i / kPanel * depth + c / 4) * kPanel + i % kPanel) * 4 + c % 4;
            panels[static_cast<std::size_t>(at)] = static_cast<uint8_t>(q + k.item_offset);
            for (int64_t j = 0; j < lanes; ++j) {
              const int32_t p = queries[static_cast<std::size_t>((c / 4 * lanes + j) * 4 + c % 4)];
              products[static_cast<std::size_t>(i * lanes + j)] += p * q;
            }
          }
        }
        float threshold[kMaxLanes];
        for (int64_t j = 0; j < lanes; ++j) {
          lane.per_step[j] = 1;
          for (int64_t c = 0; c < depth * 4; ++c) {
            lane.start[j] -= k.item_offset * queries[static_cast<std::size_t>((c / 4 * lanes + j) * 4 + c % 4)];
          }
          const auto some = static_cast<float>(products[static_cast<std::size_t>(engine() % n * lanes + j)]);
          threshold[j] = j == 0 && n_panels == 3 ? -INFINITY : j == 1 ? INFINITY : some;
        }
        std::vector<Hit> hits(static_cast<std::size_t>(n));
        const int64_t found =
            k.scan(panels.data(), bounds.data(), n_panels, queries.data(), &lane, depth, lanes, threshold, hits.data());
        std::vector<uint32_t> got(static_cast<std::size_t>(n), 0);
        for (int64_t h = 0; h < found; ++h) got[static_cast<std::size_t>(hits[h].row)] = hits[h].lanes;
        for (int64_t i = 0; i < n; ++i) {
          for (int64_t j = 0; j < lanes; ++j) {
            const bool passed = (got[static_cast<std::size_t>(i)] >> j & 1U) != 0;
            const float t = threshold[j];
            const auto value = static_cast<float>(products[static_cast<std::size_t>(i * lanes + j)]);
            const float room = t - std::fabs(t) * 0x1p-20F - 0.25F;
            if (passed != (std::isfinite(t) ? value > room : t < 0)) return false;
          }
        }
      }
    }
  }
  std::printf("%-10s 8-bit scan equals plain integers\n", l.name);
  return true;
}

}  // namespace attnrec
