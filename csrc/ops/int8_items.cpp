// The quantised copies of items and queries, with what the certificate needs to know of them. Ops only.
#include <algorithm>
#include <cmath>
#include <limits>

#include "../core/dispatch.h"
#include "int8.h"

namespace attnrec {
namespace {

constexpr double kUp = 1 + 0x1p-20;              // rounds up what becomes a float
constexpr double kToInteger = 6755399441055744;  // 1.5 * 2^52: adding it rounds to an integer
constexpr float kNoBound = 1e30F;  // as an error: the certificate says nothing, everything is scored again
constexpr int64_t kPanelsPerTask = 256;

bool ordinary(double top) { return top == 0 || (top >= 0x1p-40 && top <= 0x1p40); }

float up(double x) { return static_cast<float>(x * kUp); }

double norm_of(const float *x, int64_t stride, int64_t d) {
  double sum = 0;
  for (int64_t k = 0; k < d; ++k) sum += static_cast<double>(x[k * stride]) * static_cast<double>(x[k * stride]);
  return std::sqrt(sum);
}

// Ids by decreasing norm, then increasing id
void sort_by_norm(const std::vector<float> &norms, int32_t *order) {
  std::vector<uint64_t> keys(norms.size());
  for (std::size_t j = 0; j < norms.size(); ++j) keys[j] = key_of(norms[j], static_cast<int32_t>(j));
  std::sort(keys.begin(), keys.end(), std::greater<>());
  std::transform(keys.begin(), keys.end(), order, id_of);
}

// Quantises up to 12 items: bytes [depth][12][4], which hold the byte of zero beforehand.
PanelBound quantise(const attnrec_index &index, const int32_t *ids, int64_t count, const Int8Kernels &table,
                    uint8_t *bytes) {
  const int64_t stride = stride_of(index);
  double top = 0;
  double largest = 0;
  for (int64_t i = 0; i < count; ++i) {
    const float *x = item_of(index, ids[i]);
    for (int64_t k = 0; k < index.d; ++k) top = std::max(top, static_cast<double>(std::fabs(x[k * stride])));
    largest = std::max(largest, norm_of(x, stride, index.d));
  }
  if (!ordinary(top)) return {1, 0, kNoBound, 0};
  if (top == 0) return {1, 0, 0, 0};
  const double step = top / table.item_levels;
  const double per_step = 1 / step;  // what its rounding changes is far below `rounding`
  double nu = 0;
  double rho = 0;
  for (int64_t i = 0; i < count; ++i) {
    const float *x = item_of(index, ids[i]);
    double stored = 0;
    double lost = 0;
    for (int64_t k = 0; k < index.d; ++k) {
      const double ratio = static_cast<double>(x[k * stride]) * per_step;
      const double q = (ratio + kToInteger) - kToInteger;
      stored += q * q;
      lost += (ratio - q) * (ratio - q);
      bytes[(k / 4 * kPanel + i) * 4 + k % 4] = static_cast<uint8_t>(static_cast<int32_t>(q) + table.item_offset);
    }
    nu = std::max(nu, std::sqrt(stored));
    rho = std::max(rho, std::sqrt(lost));
  }
  const double rounding = static_cast<double>(index.d + 4) * 0x1p-23 * largest * per_step;
  return {static_cast<float>(per_step), up(nu), up(rho + rounding), 0};
}

}  // namespace

bool int8_serves(int64_t n, int64_t d) {
  return level().int8 != nullptr && n >= kInt8MinItems && d > 0 && d <= kInt8MaxDepth;
}

std::unique_ptr<Int8Items> int8_items(const attnrec_index &index, const Run &run) {
  const Int8Kernels *table = level().int8;
  const int64_t depth = 2 * ceil_div(index.d, 8);
  auto out = std::make_unique<Int8Items>();
  out->n = index.n;
  out->depth = depth;
  const int64_t n_panels = ceil_div(index.n, kPanel);
  const int64_t tasks = ceil_div(n_panels, kPanelsPerTask);
  Threads threads = run.threads;
  const double work = 8.0 * static_cast<double>(index.n) * static_cast<double>(index.d);
  threads.count = plan_blocks(run, tasks, 1, 1, 1, work).threads;

  std::vector<float> norms(static_cast<std::size_t>(index.n));
  parallel_for(tasks, threads, [&](int64_t t) {
    const int64_t last = std::min(index.n, (t + 1) * kPanelsPerTask * kPanel);
    for (int64_t j = t * kPanelsPerTask * kPanel; j < last; ++j) {
      norms[static_cast<std::size_t>(j)] = up(norm_of(item_of(index, j), stride_of(index), index.d));
    }
  });
  out->order = Buffer<int32_t>(index.n);
  sort_by_norm(norms, out->order.get());
  for (int64_t s = 0; s < index.n; s += kInt8Strip) {
    out->head_norms.push_back(norms[static_cast<std::size_t>(out->order[s])]);
  }

  out->panels = Buffer<uint8_t>(n_panels * depth * kPanel * 4 + 16);  // a vector of 64 over a row of 48
  out->bounds = Buffer<PanelBound>(n_panels);
  parallel_for(tasks, threads, [&](int64_t t) {
    for (int64_t p = t * kPanelsPerTask; p < std::min(n_panels, (t + 1) * kPanelsPerTask); ++p) {
      uint8_t *bytes = out->panels.get() + p * depth * kPanel * 4;
      std::fill_n(bytes, depth * kPanel * 4, static_cast<uint8_t>(table->item_offset));
      out->bounds[p] =
          quantise(index, out->order.get() + p * kPanel, std::min(kPanel, index.n - p * kPanel), *table, bytes);
    }
  });
  std::fill_n(out->panels.get() + n_panels * depth * kPanel * 4, 16, uint8_t{0});

  out->head = std::min(index.n, kInt8Head);
  out->head_panels = Buffer<float>(round_up(out->head, kPanel) * index.d + kSlack);
  pack_panels({nullptr, nullptr, &index}, out->order.get(), 0, out->head, out->head_panels.get());
  return out;
}

Int8Block::Int8Block(const Block &block, int64_t d, float scale) {
  const Int8Kernels &table = *level().int8;
  const int64_t depth = 2 * ceil_div(d, 8);
  const auto &groups = block.groups();
  int64_t bytes = 0;
  for (const Group &g : groups) bytes += depth * g.lanes * 4;
  packed_ = Buffer<int8_t>(bytes);
  std::fill_n(packed_.get(), bytes, int8_t{0});
  bounds_.resize(groups.size());
  norms_.resize(groups.size() * kMaxLanes);
  int8_t *at = packed_.get();
  std::vector<double> w(static_cast<std::size_t>(d));
  for (std::size_t g = 0; g < groups.size(); ++g) {
    const Group &group = groups[g];
    LaneBound &bound = bounds_[g];
    bound = {};
    for (int64_t l = 0; l < group.count; ++l) {
      double top = 0;
      double square = 0;
      for (int64_t k = 0; k < d; ++k) {
        const double x = static_cast<double>(scale) * static_cast<double>(group.queries[k * group.lanes + l]);
        w[static_cast<std::size_t>(k)] = x;
        top = std::max(top, std::fabs(x));
        square += x * x;
      }
      const double norm = std::sqrt(square);
      norms_[g * kMaxLanes + static_cast<std::size_t>(l)] = norm;
      bound.per_step[l] = 1;
      bound.norm[l] = kNoBound;
      if (!ordinary(top) || std::fabs(scale) > 0x1p30F) continue;
      const double per_step = top == 0 ? 1 : table.query_levels / top;
      double lost = 0;
      int32_t sum = 0;
      for (int64_t k = 0; k < d; ++k) {
        const double ratio = w[static_cast<std::size_t>(k)] * per_step;
        const double p = (ratio + kToInteger) - kToInteger;
        lost += (ratio - p) * (ratio - p);
        sum += static_cast<int32_t>(p);
        at[(k / 4 * group.lanes + l) * 4 + k % 4] = static_cast<int8_t>(p);
      }
      bound.per_step[l] = static_cast<float>(per_step);
      bound.error[l] = up(std::sqrt(lost));
      bound.norm[l] = up(norm * per_step);
      bound.start[l] = -table.item_offset * sum;
    }
    at_.push_back(at);
    at += depth * group.lanes * 4;
  }
}

Int8Bias::Int8Bias(const Int8Items &items, const float *bias) {
  if (bias == nullptr) return;
  const int64_t n_panels = ceil_div(items.n, kPanel);
  bounds.assign(items.bounds.get(), items.bounds.get() + n_panels);
  head.assign(static_cast<std::size_t>(round_up(items.head, kPanel) + kSlack), 0.0F);
  for (int64_t j = 0; j < items.head; ++j) head[static_cast<std::size_t>(j)] = bias[items.order[j]];
  from.assign(static_cast<std::size_t>(ceil_div(items.n, kInt8Strip)), kHidden);
  float rest = kHidden;
  for (int64_t j = items.n - 1; j >= 0; --j) {
    float &panel = bounds[static_cast<std::size_t>(j / kPanel)].bias;
    const bool first = j % kPanel == kPanel - 1 || j == items.n - 1;
    const float here = bias[items.order[j]];
    panel = first ? here : std::max(panel, here);
    rest = std::max(rest, here);
    if (j % kInt8Strip == 0) from[static_cast<std::size_t>(j / kInt8Strip)] = rest;
  }
}

}  // namespace attnrec
