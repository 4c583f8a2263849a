// Checks every kernel of every table that runs here against the scalar table, bit for bit, and the scalar exp against
// the C library. A program without Python, so that it can be cross-compiled and run under an emulator.
#include <cmath>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#include "core/dispatch.h"
#include "inputs.h"

namespace attnrec {

extern const Kernels kernels_scalar;
bool int8_scan_is_right(const Level &l);  // int8.cpp
void time_kernels(const Kernels &k);      // timing.cpp

namespace {

using Compute = std::function<Floats(const Kernels &, int64_t lanes, const Inputs &)>;

Floats scores_with(const Kernels &k, int64_t lanes, const Inputs &in, const float *bias) {
  const int64_t n_panels = (in.s.n + kPanel - 1) / kPanel;
  return over_queries(n_panels * kPanel, lanes, [&](int64_t q) {
    Floats out(static_cast<std::size_t>(n_panels * kPanel * lanes + kSlack));
    k.scores(in.panels.data(), n_panels, columns(in.queries, q, lanes).data(), in.s.d, lanes, 0.7F, bias, out.data());
    return out;
  });
}

// The strip and, below it, its maxima
Floats scores_and_top(const Kernels &k, int64_t lanes, const Inputs &in) {
  const int64_t n_panels = (in.s.n + kPanel - 1) / kPanel;
  return over_queries(n_panels * kPanel + 1, lanes, [&](int64_t q) {
    Floats out(static_cast<std::size_t>((n_panels * kPanel + 1) * lanes + kSlack));
    float top[kMaxLanes];
    k.scores_top(in.panels.data(), n_panels, columns(in.queries, q, lanes).data(), in.s.d, lanes, 0.7F, in.bias.data(),
                 out.data(), top);
    std::copy_n(top, lanes, out.begin() + n_panels * kPanel * lanes);
    return out;
  });
}

// 1 + score where `found`, hits of so many rows each, has one above its threshold, else 0
Floats marked(const std::vector<Hit> &hits, int64_t found, int64_t n, int64_t lanes, const float *strip, int64_t rows,
              const float *threshold) {
  Floats out(static_cast<std::size_t>(n * lanes));
  for (int64_t h = 0; h < found; ++h) {
    const Hit &hit = hits[static_cast<std::size_t>(h)];
    for (int64_t j = hit.row; j < hit.row + rows; ++j) {
      for (int64_t l = 0; l < lanes; ++l) {
        const float score = strip[j * lanes + l];
        if ((hit.lanes >> l & 1U) != 0 && score > threshold[l])
          out[static_cast<std::size_t>(j * lanes + l)] = 1 + score;
      }
    }
  }
  return out;
}

// The strip, below it what was found in it, and its maxima
Floats scanned(const Kernels &k, int64_t lanes, const Inputs &in, const float *bias) {
  const int64_t n_panels = (in.s.n + kPanel - 1) / kPanel;
  return over_queries(2 * n_panels * kPanel + 1, lanes, [&](int64_t q) {
    Floats strip(static_cast<std::size_t>(n_panels * kPanel * lanes + kSlack));
    std::vector<Hit> hits(static_cast<std::size_t>(n_panels * kPanel));
    const float scale = bias == nullptr ? 1.0F : 0.7F;
    float top[kMaxLanes];
    const Prefetch prefetch{in.panels.data(), 1};
    const int64_t found = k.scan(in.panels.data(), n_panels, columns(in.queries, q, lanes).data(), in.s.d, lanes, scale,
                                 bias, in.factors.data() + q, &prefetch, strip.data(), top, hits.data());
    Floats out(strip.begin(), strip.begin() + n_panels * kPanel * lanes);
    const Floats places =
        marked(hits, found, n_panels * kPanel, lanes, strip.data(), lanes == 1 ? 1 : kPanel, in.factors.data() + q);
    out.insert(out.end(), places.begin(), places.end());
    out.insert(out.end(), top, top + lanes);
    return out;
  });
}

const std::pair<const char *, Compute> kChecks[] = {
    {"pack",
     [](const Kernels &k, int64_t, const Inputs &in) {
       const float *rows[kPanel];
       for (int64_t i = 0; i < kPanel; ++i) rows[i] = in.many_rows.data() + i * (in.s.d + 3);
       Floats out(static_cast<std::size_t>(kPanel * in.s.d));
       k.pack(rows, in.s.d, out.data());
       return out;
     }},
    {"scores", [](const Kernels &k, int64_t lanes, const Inputs &in) { return scores_with(k, lanes, in, nullptr); }},
    {"scores with bias",
     [](const Kernels &k, int64_t lanes, const Inputs &in) { return scores_with(k, lanes, in, in.bias.data()); }},
    {"scores_top", scores_and_top},
    {"scan", [](const Kernels &k, int64_t lanes, const Inputs &in) { return scanned(k, lanes, in, nullptr); }},
    {"scan with bias",
     [](const Kernels &k, int64_t lanes, const Inputs &in) { return scanned(k, lanes, in, in.bias.data()); }},
    {"scores_csr",
     [](const Kernels &k, int64_t lanes, const Inputs &in) {
       return over_queries(in.s.n, lanes, [&](int64_t q) {
         Floats out(static_cast<std::size_t>(in.s.n * lanes));
         const CsrRows rows = in.keys.rows();
         k.scores_csr(&rows, in.s.n, columns(in.queries, q, lanes).data(), lanes, 0.7F, in.bias.data(), out.data());
         return out;
       });
     }},
    {"unpack",
     [](const Kernels &k, int64_t lanes, const Inputs &in) {
       Floats out;
       for (int64_t q = 0; q < kQueries; q += lanes) {  // one lane less than there are, where there are several
         const int64_t count = std::max<int64_t>(1, lanes - 1);
         const Floats strip = columns(in.strip, q, lanes);
         Floats rows(static_cast<std::size_t>(lanes * (in.s.n + 2)), in.strip.back());
         k.unpack(strip.data(), in.s.n, lanes, count, rows.data(), in.s.n + 2);
         for (int64_t l = 0; l < lanes; ++l) {
           for (int64_t j = 0; j < in.s.n + 2; ++j) {
             const bool written = l < count && j < in.s.n;
             const float want = written ? strip[static_cast<std::size_t>(j * lanes + l)] : in.strip.back();
             out.push_back(rows[static_cast<std::size_t>(l * (in.s.n + 2) + j)] == want ? 1.0F : 0.0F);
           }
         }
       }
       return Floats(1, static_cast<float>(std::count(out.begin(), out.end(), 0.0F)));  // wrong elements
     }},
    {"lane_max",
     [](const Kernels &k, int64_t lanes, const Inputs &in) {
       return over_queries(1, lanes, [&](int64_t q) {
         Floats out(static_cast<std::size_t>(lanes));
         k.lane_max(columns(in.strip, q, lanes).data(), in.s.n, lanes, out.data());
         return out;
       });
     }},
    {"exp_sum",
     [](const Kernels &k, int64_t lanes, const Inputs &in) {
       return over_queries(in.s.n + 1, lanes, [&](int64_t q) {
         Floats kept = columns(in.strip, q, lanes);
         Floats sum(static_cast<std::size_t>(lanes));
         k.exp_sum(kept.data(), in.s.n, lanes, in.shift.data() + q, sum.data(), kept.data());
         kept.insert(kept.end(), sum.begin(), sum.end());
         return kept;
       });
     }},
    {"exp_row",
     [](const Kernels &k, int64_t, const Inputs &in) {
       Floats out = in.strip;
       k.exp_row(out.data(), static_cast<int64_t>(out.size()), 3.0F, 0.3F);
       return out;
     }},
    {"above",
     [](const Kernels &k, int64_t lanes, const Inputs &in) {
       return over_queries(in.s.n, lanes, [&](int64_t q) {
         std::vector<Hit> hits(static_cast<std::size_t>(in.s.n));
         const Floats strip = columns(in.strip, q, lanes);
         const int64_t found = k.above(strip.data(), in.s.n, lanes, in.threshold.data() + q, hits.data());
         return marked(hits, found, in.s.n, lanes, strip.data(), 1, in.threshold.data() + q);
       });
     }},
    {"values",
     [](const Kernels &k, int64_t lanes, const Inputs &in) {
       return over_queries(in.s.m, lanes, [&](int64_t q) {
         Floats out = columns(in.sums, q, lanes);
         k.values(in.values.data(), in.s.m, in.s.n, in.s.m, columns(in.weights, q, lanes).data(), lanes, out.data());
         return out;
       });
     }},
    {"values_csr",
     [](const Kernels &k, int64_t lanes, const Inputs &in) {
       return over_queries(in.s.m, lanes, [&](int64_t q) {
         Floats out = columns(in.sums, q, lanes);
         const CsrRows rows = in.sparse_values.rows();
         k.values_csr(&rows, in.s.n, columns(in.weights, q, lanes).data(), lanes, out.data());
         return out;
       });
     }},
    {"values_by_column",
     [](const Kernels &k, int64_t any_lanes, const Inputs &in) {
       const int64_t lanes = std::max(any_lanes, k.lanes / 2);
       std::vector<Column> by_column;
       std::vector<Entry> entries;
       for (int32_t c = 0; c < in.s.m; ++c) {
         by_column.push_back({c, -static_cast<int32_t>(entries.size())});
         for (int32_t j = 0; j < in.s.n; ++j) {
           for (int64_t p = in.sparse_values.indptr[static_cast<std::size_t>(j)];
                p < in.sparse_values.indptr[static_cast<std::size_t>(j) + 1]; ++p) {
             const auto at = static_cast<std::size_t>(p);
             if (in.sparse_values.indices[at] == c)
               entries.push_back({j * static_cast<int32_t>(k.lanes), in.sparse_values.data[at]});
           }
         }
         by_column.back().count += static_cast<int32_t>(entries.size());
       }
       return over_queries(in.s.m, lanes, [&](int64_t q) {
         const int64_t groups = lanes == k.lanes ? k.column_groups : 1;
         std::vector<Floats> strips;
         std::vector<Floats> sums;
         const float *from[2];
         float *to[2];
         for (int64_t g = 0; g < groups; ++g) {  // others beside that of q, which takes each place in turn
           const int64_t at = (q + (g - q / lanes % groups) * lanes + kQueries) % kQueries;
           strips.push_back(columns(in.weights, at, lanes));
           sums.push_back(columns(in.sums, at, lanes));
           from[g] = strips.back().data();
           to[g] = sums.back().data();
         }
         k.values_by_column(by_column.data(), in.s.m, entries.data(), from, groups, lanes, to);
         return sums[static_cast<std::size_t>(q / lanes % groups)];
       });
     }},
    {"score_some",
     [](const Kernels &k, int64_t, const Inputs &in) {
       const float *items[kScoreAtOnce];
       const float *queries[kScoreAtOnce];
       for (int64_t i = 0; i < kScoreAtOnce; ++i) {
         items[i] = in.panels.data() + i % kPanel;
         queries[i] = in.queries.data() + 3 * i;
       }
       Floats out(kScoreAtOnce);
       k.score_some(items, kPanel, queries, kQueries, in.s.d, out.data());
       return out;
     }},
    {"two_sums",
     [](const Kernels &k, int64_t lanes, const Inputs &in) {
       return over_queries(2 * in.s.m, lanes, [&](int64_t q) {
         Floats whole = columns(in.sums, q, lanes);
         Floats rest = whole;
         for (float &x : rest) x = 0.37F * (x + 1);
         const int32_t some[] = {static_cast<int32_t>(in.s.m - 1), 0, 0};
         k.two_sums(some, 3, lanes, whole.data(), rest.data());
         for (float &x : rest) x += 0.7F;
         k.two_sums(nullptr, in.s.m, lanes, whole.data(), rest.data());
         whole.insert(whole.end(), rest.begin(), rest.end());
         return whole;
       });
     }},
    {"blend",
     [](const Kernels &k, int64_t lanes, const Inputs &in) {
       return over_queries(2 * in.s.m, lanes, [&](int64_t q) {
         Floats out = columns(in.sums, q, lanes);
         Floats scaled = out;
         const float *factors = in.factors.data() + q;
         k.blend(out.data(), factors, columns(in.sums, q, lanes).data(), factors, in.s.m, lanes);
         k.blend(scaled.data(), factors, nullptr, nullptr, in.s.m, lanes);
         out.insert(out.end(), scaled.begin(), scaled.end());
         return out;
       });
     }},
    {"dots",
     [](const Kernels &k, int64_t any_lanes, const Inputs &in) {
       const int64_t lanes = std::max(any_lanes, k.lanes / 2);
       return over_queries(1, lanes, [&](int64_t q) {
         Floats out(static_cast<std::size_t>(lanes));
         const Floats a = columns(in.queries, q, lanes);
         k.dots(a.data(), a.data(), in.s.d, lanes, out.data());
         return out;
       });
     }},
    {"row_dots",
     [](const Kernels &k, int64_t, const Inputs &in) {
       const auto n = static_cast<int64_t>(in.panels.size()) / 8 / kDotPartials * kDotPartials;
       Floats out;
       for (int64_t count = 1; count <= kRowsAtOnce; ++count) {
         const float *rows[kRowsAtOnce];
         float some[kRowsAtOnce];
         for (int64_t r = 0; r < count; ++r) rows[r] = in.panels.data() + r * n;
         k.row_dots(in.panels.data() + 7 * n, rows, count, n, some);
         out.insert(out.end(), some, some + count);
       }
       return out;
     }},
};

int failures = 0;

void require(bool holds, const std::string &what) {
  if (holds) return;
  std::printf("FAILED %s\n", what.c_str());
  ++failures;
}

bool same_bits(const Floats &a, const Floats &b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

void check_table(const Kernels &k) {
  for (const Shape &s : kShapes) {
    const Inputs in(s);
    for (const auto &[name, compute] : kChecks) {
      const Floats want = compute(kernels_scalar, kernels_scalar.lanes, in);
      for (const int64_t lanes : {k.lanes, k.lanes / 2, int64_t{1}}) {
        require(same_bits(compute(k, lanes, in), want), std::string(k.name) + " " + name + " n=" + std::to_string(s.n) +
                                                            " d=" + std::to_string(s.d) + " m=" + std::to_string(s.m) +
                                                            " lanes=" + std::to_string(lanes));
      }
    }
  }
  std::printf("%-7s %zu kernels over %zu shapes, all widths\n", k.name, std::size(kChecks), std::size(kShapes));
}

// The scalar table is the yardstick: its fused multiply-add and exponential against the C library.
void check_scalar() {
  std::mt19937 engine(12);
  double worst = 0;
  for (int i = 0; i < 200000; ++i) {
    float x[3];
    for (float &v : x) {
      const uint32_t bits = (engine() & 0x807FFFFFU) | (engine() % 120U + 60U) << 23;
      std::memcpy(&v, &bits, sizeof(v));
    }
    Floats a(8, x[0]);
    Floats b(8, x[1]);
    a.resize(16, 1.0F);  // k = 1 adds x[2]
    b.resize(16, x[2]);
    Floats out(8);
    // the chain starts at 0, so put the addend first
    std::rotate(a.begin(), a.begin() + 8, a.end());
    std::rotate(b.begin(), b.begin() + 8, b.end());
    kernels_scalar.dots(a.data(), b.data(), 2, 8, out.data());
    require(out[0] == std::fma(x[0], x[1], x[2]), "scalar fused multiply-add");
    if (failures > 0) return;

    float e = -86.0F + 170.0F * static_cast<float>(engine()) / 4294967296.0F;
    const double truth = std::exp2(static_cast<double>(std::fma(e, kLog2E, -0.5F)));
    kernels_scalar.exp_row(&e, 1, -0.5F, 1);
    const auto rounded = static_cast<float>(truth);
    worst = std::max(worst, std::fabs(e - truth) / static_cast<double>(std::nextafter(rounded, INFINITY) - rounded));
  }
  std::printf("scalar  exp within %.2f ulp\n", worst);
  require(worst < 1.25, "scalar exp");
}

int run() {
  check_scalar();
  const std::vector<const Level *> levels = runnable_levels();
  const Kernels *last = nullptr;  // levels of one table are neighbours
  for (const Level *l : levels) {
    if (l->table != last) check_table(*l->table);
    last = l->table;
    if (l->int8 != nullptr) require(int8_scan_is_right(*l), std::string(l->name) + " 8-bit scan");
  }
  std::printf("%zu levels checked, %d failures\n", levels.size(), failures);
  return failures == 0 ? 0 : 1;
}

int time_all() {
  const Kernels *last = nullptr;
  for (const Level *l : runnable_levels()) {
    if (l->table != last) time_kernels(*l->table);
    last = l->table;
  }
  return 0;
}

}  // namespace
}  // namespace attnrec

// `--time`: how fast they are, instead
int main(int argc, char **argv) {
  return argc > 1 && std::strcmp(argv[1], "--time") == 0 ? attnrec::time_all() : attnrec::run();
}
