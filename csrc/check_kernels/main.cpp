// Checks every kernel of every table that runs here against the scalar table, bit for bit, and the scalar exp against
// the C library. A program without Python, so that it can be cross-compiled and run under an emulator.
#include <cmath>
#include <cstdio>
#include <cstring>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "../core/dispatch.h"

namespace attnrec {

extern const Kernels kernels_scalar;
bool int8_scan_is_right(const Level &l);  // int8.cpp

namespace {

using Floats = std::vector<float>;

constexpr int64_t kQueries = 64;  // a multiple of every table's lanes

struct Shape {
  int64_t n, d, m;
};
const Shape kShapes[] = {{1, 1, 1}, {5, 3, 2}, {12, 8, 6}, {13, 64, 12}, {95, 17, 13}, {96, 64, 24}, {48, 130, 37}};

Floats random_floats(int64_t n, unsigned seed, float spread = 1) {
  std::mt19937 engine(seed);
  std::normal_distribution<float> normal(0, spread);
  Floats out(static_cast<std::size_t>(n));
  for (float &x : out) x = normal(engine);
  return out;
}

// Rows 0, 1, 2, ... of a sparse (n, cols) matrix with about a third of its entries.
struct Sparse {
  std::vector<int64_t> indptr{0};
  std::vector<int32_t> indices;
  Floats data;

  Sparse(int64_t n, int64_t cols, unsigned seed) {
    std::mt19937 engine(seed);
    const Floats values = random_floats(n * cols, seed + 1);
    for (int64_t j = 0; j < n; ++j) {
      for (int64_t c = 0; c < cols; ++c) {
        if (engine() % 3 != 0) continue;
        indices.push_back(static_cast<int32_t>(c));
        data.push_back(values[static_cast<std::size_t>(j * cols + c)]);
      }
      indptr.push_back(static_cast<int64_t>(indices.size()));
    }
  }
  CsrRows rows() const { return {indptr.data(), indices.data(), data.data()}; }
};

// The columns [q, q + lanes) of x [rows][kQueries], as [rows][lanes]
Floats columns(const Floats &x, int64_t q, int64_t lanes) {
  Floats out;
  for (std::size_t row = 0; row * kQueries < x.size(); ++row) {
    const auto at = x.begin() + static_cast<std::ptrdiff_t>(row * kQueries) + q;
    out.insert(out.end(), at, at + lanes);
  }
  return out;
}

// Runs body(first query, lanes) -> [rows][lanes] over all queries; the result [rows][kQueries] does not tell the
// width it was computed in.
Floats over_queries(int64_t rows, int64_t lanes, const std::function<Floats(int64_t)> &body) {
  Floats out(static_cast<std::size_t>(rows * kQueries));
  for (int64_t q = 0; q < kQueries; q += lanes) {
    const Floats part = body(q);
    for (int64_t r = 0; r < rows; ++r) {
      std::copy_n(part.begin() + r * lanes, lanes, out.begin() + r * kQueries + q);
    }
  }
  return out;
}

struct Inputs {
  Shape s;
  Floats panels, many_rows, queries, strip, weights, shift, threshold, values, sums, factors, bias;
  Sparse keys, sparse_values;

  explicit Inputs(Shape shape)
      : s(shape), panels(random_floats((shape.n + kPanel - 1) / kPanel * kPanel * shape.d + kSlack, 1)),
        many_rows(random_floats(kPanel * (shape.d + 3), 13)), queries(random_floats(shape.d * kQueries, 2)),
        strip(random_floats(shape.n * kQueries, 3, 20)), weights(random_floats(shape.n * kQueries, 12)),
        shift(random_floats(kQueries, 4, 10)), threshold(random_floats(kQueries, 5, 20)),
        values(random_floats(shape.n * shape.m, 6)), sums(random_floats(shape.m * kQueries, 7)),
        factors(random_floats(kQueries, 8)), bias(random_floats(shape.n + kPanel + kSlack, 9)),
        keys(shape.n, shape.d, 10), sparse_values(shape.n, shape.m, 11) {
    strip[0] = -INFINITY;
    strip.back() = 3e-41F;
  }
};

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

// 1 + score where `found` says so, else 0
Floats marked(const std::vector<Hit> &hits, int64_t found, int64_t n, int64_t lanes, const float *strip) {
  Floats out(static_cast<std::size_t>(n * lanes));
  for (int64_t h = 0; h < found; ++h) {
    const Hit &hit = hits[static_cast<std::size_t>(h)];
    for (int64_t l = 0; l < lanes; ++l) {
      if ((hit.lanes >> l & 1U) != 0)
        out[static_cast<std::size_t>(hit.row * lanes + l)] = 1 + strip[hit.row * lanes + l];
    }
  }
  return out;
}

Floats scanned(const Kernels &k, int64_t lanes, const Inputs &in) {
  const int64_t n_panels = (in.s.n + kPanel - 1) / kPanel;
  return over_queries(n_panels * kPanel, lanes, [&](int64_t q) {
    Floats strip(static_cast<std::size_t>(n_panels * kPanel * lanes + kSlack));
    std::vector<Hit> hits(static_cast<std::size_t>(n_panels * kPanel));
    const int64_t found = k.scan(in.panels.data(), n_panels, columns(in.queries, q, lanes).data(), in.s.d, lanes, 0.7F,
                                 nullptr, in.factors.data() + q, strip.data(), hits.data());
    return marked(hits, found, n_panels * kPanel, lanes, strip.data());
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
    {"scan", scanned},
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
         return marked(hits, found, in.s.n, lanes, strip.data());
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
         const int64_t groups = lanes == k.lanes ? kColumnGroups : 1;
         std::vector<Floats> strips;
         std::vector<Floats> sums;
         const float *from[kColumnGroups];
         float *to[kColumnGroups];
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

}  // namespace
}  // namespace attnrec

int main() { return attnrec::run(); }
