// The quantised copies of items and queries, with what the certificate needs to know of them. Ops only.
#include <algorithm>
#include <cmath>

#include "../../core/dispatch.h"
#include "int8.h"

namespace attnrec {
namespace {

constexpr double kUp = 1 + 0x1p-20;              // rounds up what becomes a float
constexpr double kToInteger = 6755399441055744;  // 1.5 * 2^52: adding it rounds to an integer
constexpr float kNoBound = 1e30F;  // as an error: the certificate says nothing, everything is scored again
constexpr int64_t kPanelsPerTask = 256;

bool ordinary(double top) { return top == 0 || (top >= 0x1p-40 && top <= 0x1p40); }

float up(double x) { return static_cast<float>(x * kUp); }

// The row x[k * stride] times a scale; in double, where the product of two floats is exact.
struct Row {
  const float *x;
  int64_t stride, d;
  double scale = 1;
  double operator[](int64_t k) const { return scale * static_cast<double>(x[k * stride]); }
};

Row row_of(const attnrec_index &index, int64_t id) { return {item_of(index, id), stride_of(index), index.d}; }

struct Size {
  double top = 0, norm = 0;  // top: the largest magnitude
};

Size size_of(const Row &row) {
  Size out;
  for (int64_t k = 0; k < row.d; ++k) {
    out.top = std::max(out.top, std::fabs(row[k]));
    out.norm += row[k] * row[k];
  }
  out.norm = std::sqrt(out.norm);
  return out;
}

// A row in steps: the norms of its integers and of what rounding to them lost, and the sum of the integers.
struct Rounded {
  double stored = 0, lost = 0;
  int32_t sum = 0;
};

// Writes integer + offset of feature k to bytes[k / 4 * row_bytes + k % 4].
template <class Byte>
Rounded round_row(const Row &row, double per_step, int32_t offset, int64_t row_bytes, Byte *bytes) {
  Rounded out;
  for (int64_t k = 0; k < row.d; ++k) {
    const double ratio = row[k] * per_step;
    const double integer = (ratio + kToInteger) - kToInteger;
    out.stored += integer * integer;
    out.lost += (ratio - integer) * (ratio - integer);
    out.sum += static_cast<int32_t>(integer);
    bytes[k / 4 * row_bytes + k % 4] = static_cast<Byte>(static_cast<int32_t>(integer) + offset);
  }
  out.stored = std::sqrt(out.stored);
  out.lost = std::sqrt(out.lost);
  return out;
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
  double top = 0;
  double largest = 0;
  for (int64_t i = 0; i < count; ++i) {
    const Size size = size_of(row_of(index, ids[i]));
    top = std::max(top, size.top);
    largest = std::max(largest, size.norm);
  }
  if (!ordinary(top)) return {1, 0, kNoBound, 0};
  if (top == 0) return {1, 0, 0, 0};
  const double step = top / table.item_levels;
  const double per_step = 1 / step;  // what its rounding changes is far below `rounding`
  double nu = 0;
  double rho = 0;
  for (int64_t i = 0; i < count; ++i) {
    const Rounded q = round_row(row_of(index, ids[i]), per_step, table.item_offset, kPanel * 4, bytes + i * 4);
    nu = std::max(nu, q.stored);
    rho = std::max(rho, q.lost);
  }
  const double rounding = static_cast<double>(index.d + 4) * 0x1p-23 * largest * per_step;
  return {static_cast<float>(per_step), up(nu), up(rho + rounding), 0};
}

}  // namespace

bool int8_serves(int64_t n, int64_t d) {
  return level().int8 != nullptr && n >= kInt8MinItems && d > 0 && d <= kInt8MaxWidth;
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
      norms[static_cast<std::size_t>(j)] = up(size_of(row_of(index, j)).norm);
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

Int8Block::Int8Block(const attnrec_operand &queries, int64_t first, int64_t count, int64_t full_lanes, float scale)
    : Block(queries, first, count, full_lanes), d_(cols_of(queries)), scale_(scale) {
  const int64_t depth = 2 * ceil_div(d_, 8);
  int64_t bytes = 0;
  for (const Group &g : groups()) bytes += depth * g.lanes * 4;
  packed_ = Buffer<int8_t>(bytes);
  norms_.resize(groups().size() * kMaxLanes);
  bounds_.resize(groups().size());
  int8_t *at = packed_.get();
  for (const Group &g : groups()) {
    at_.push_back(at);
    at += depth * g.lanes * 4;
  }
  quantise();
}

void Int8Block::fill(const attnrec_operand &queries) {
  Block::fill(queries);
  quantise();
}

void Int8Block::quantise() {
  const Int8Kernels &table = *level().int8;
  for (std::size_t g = 0; g < groups().size(); ++g) {
    const Group &group = groups()[g];
    LaneBound &bound = bounds_[g];
    bound = {};
    std::fill_n(at_[g], 2 * ceil_div(d_, 8) * group.lanes * 4, int8_t{0});
    for (int64_t l = 0; l < group.count; ++l) {
      const Row row{group.queries + l, group.lanes, d_, static_cast<double>(scale_)};
      const Size size = size_of(row);
      norms_[g * kMaxLanes + static_cast<std::size_t>(l)] = size.norm;
      bound.per_step[l] = 1;
      bound.norm[l] = kNoBound;
      if (!ordinary(size.top) || std::fabs(scale_) > 0x1p30F) continue;
      const double per_step = size.top == 0 ? 1 : table.query_levels / size.top;
      const Rounded p = round_row(row, per_step, 0, group.lanes * 4, at_[g] + l * 4);
      bound.per_step[l] = static_cast<float>(per_step);
      bound.error[l] = up(p.lost);
      bound.norm[l] = up(size.norm * per_step);
      bound.start[l] = -table.item_offset * p.sum;
    }
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
