// How fast kernels are on data in the caches, beside the multiply-add ceiling: what is left of a slow op is its
// driver's.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>
#include <string>
#include <vector>

#include "core/dispatch.h"
#include "core/scratch.h"
#include "inputs.h"

namespace attnrec {
namespace {

// A call, and what is told of it: multiply-adds of vectors as a part of the ceiling, or cycles for each of its units.
struct Timed {
  std::string name;
  double work;
  bool multiply_adds;
  std::function<void()> call;
  std::vector<double> rates;  // work a second, one a turn
};

double rate_of(const Timed &one) {
  const auto start = std::chrono::steady_clock::now();
  one.call();
  return one.work / std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

double median(std::vector<double> x) {
  std::nth_element(x.begin(), x.begin() + static_cast<std::ptrdiff_t>(x.size() / 2), x.end());
  return x[x.size() / 2];
}

Buffer<float> filled(int64_t n) {
  Buffer<float> out(n);
  const Floats values = random_floats(n, 1);
  std::copy(values.begin(), values.end(), out.get());
  return out;
}

}  // namespace

// All in turns; medians of the ratios to the ceiling of the same turn. A cycle is that of two multiply-adds.
void time_kernels(const Kernels &k) {
  constexpr int kTurns = 100;
  constexpr int64_t kItems = 96;
  constexpr int64_t kSparseItems = 288;
  constexpr int32_t kColumns = 6000;
  const int64_t l = k.lanes;
  constexpr double vectors = 2 * kItems;
  float sink[2 * kMaxLanes] = {};
  const double chain = k.fma_chains(1, sink) / static_cast<double>(l);
  std::vector<Timed> all;
  all.push_back({"ceiling", chain * 10000, true, [&] { k.fma_chains(10000, sink); }, {}});
  const auto add = [&](const std::string &name, double work, bool multiply_adds, auto call) {
    const auto times = static_cast<int>(std::max(1.0, 500000 / work));
    const auto often = [=] {
      for (int i = 0; i < times; ++i) call();
    };
    all.push_back({name, work * times, multiply_adds, often, {}});
  };

  constexpr int64_t kWidest = 1024;
  const Buffer<float> panels = filled(2 * kItems * kWidest + kSlack);  // one query fetches what follows
  const Buffer<float> queries = filled(l * kWidest);
  const Buffer<float> strip = filled(kSparseItems * l + kSlack);
  const Buffer<float> out = filled(kSparseItems * l + kSlack);
  const Buffer<float> sums = filled(kColumns * l);
  const Floats never(kMaxLanes, 1e30F);
  const Floats zeros(kMaxLanes, 0.0F);
  const Prefetch nothing{nullptr, 0};
  std::vector<Hit> hits(kItems);
  float top[kMaxLanes];
  float sum[kMaxLanes];
  for (const int64_t d : {16, 64, 128, 512, 1024}) {
    const std::string width = ", d = " + std::to_string(d);
    for (const int64_t lanes : {l, int64_t{1}}) {
      const double work = static_cast<double>(kItems * d * lanes) / static_cast<double>(l / 2);
      add((lanes == 1 ? "scan for one query" : "scan") + width, work, true, [&, d, lanes] {
        k.scan(panels.get(), kItems / kPanel, queries.get(), d, lanes, 1, nullptr, never.data(), &nothing, out.get(),
               top, hits.data());
      });
    }
    const float *at[kScoreAtOnce] = {panels.get(), panels.get() + 1, panels.get() + 2, panels.get() + 3};
    add("score_some" + width, static_cast<double>(d), false,
        [&, d, at] { k.score_some(at, kPanel, at, kPanel, d, sum); });
    add("dots" + width, static_cast<double>(2 * d), false, [&, d] { k.dots(panels.get(), queries.get(), d, l, sum); });
  }
  for (const int64_t entries : {16, 128, 1024}) {
    std::vector<int64_t> indptr;
    std::vector<int32_t> indices;
    for (int64_t j = 0; j <= 8; ++j) indptr.push_back(j * entries);
    for (int64_t p = 0; p < 8 * entries; ++p) indices.push_back(static_cast<int32_t>(p * 7 % 512));
    for (const int64_t lanes : {l, int64_t{1}}) {
      add("scores_csr, " + std::to_string(entries) + " entries" + (lanes == 1 ? ", one query" : ""),
          static_cast<double>(8 * entries), false, [&, lanes, indptr, indices] {
            const CsrRows rows{indptr.data(), indices.data(), panels.get()};
            k.scores_csr(&rows, 8, queries.get(), lanes, 1, nullptr, out.get());
          });
    }
  }
  add("values, 12 columns", vectors * kPanel, true,
      [&] { k.values(panels.get(), kPanel, kItems, kPanel, strip.get(), l, sums.get()); });
  add("exp_sum, a vector", vectors, false, [&] { k.exp_sum(strip.get(), kItems, l, zeros.data(), sum, out.get()); });

  std::vector<Column> columns;  // whose sums lie all over
  std::vector<Entry> entries;
  for (int32_t c = 0; c < kColumns; ++c) {
    columns.push_back({c * 791 % kColumns, 13});
    for (int32_t j = 0; j < 13; ++j) entries.push_back({(c % 17 + j * 20) * static_cast<int32_t>(l), 0.5F});
  }
  const float *from[1] = {strip.get()};
  float *to[1] = {sums.get()};
  add("values_by_column, an entry and a group", static_cast<double>(entries.size()), false,
      [&] { k.values_by_column(columns.data(), kColumns, entries.data(), from, 1, l, to); });

  for (int turn = 0; turn < kTurns; ++turn) {
    for (Timed &one : all) one.rates.push_back(rate_of(one));
  }
  const std::vector<double> ceiling = all.front().rates;
  for (Timed &one : all) {
    for (std::size_t turn = 0; turn < ceiling.size(); ++turn) one.rates[turn] /= ceiling[turn];
    const double ratio = median(one.rates);
    std::printf("%-8s%-42s", k.name, one.name.c_str());
    std::printf(one.multiply_adds ? "%.3f of the ceiling\n" : "%.2f cycles\n", one.multiply_adds ? ratio : 0.5 / ratio);
  }
}

}  // namespace attnrec
