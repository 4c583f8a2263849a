// Blocks, units and chunks. Ops only.
#include "sweep.h"

namespace attnrec {
namespace {

constexpr int64_t kChunkBytes = 256 * 1024;  // half of a common L2
constexpr int64_t kL1Bytes = 24 * 1024;
constexpr std::size_t kGroupsWorthAhead = 4;   // fewer are done before what they fetch has come
constexpr double kMaddsWorthAThread = 500000;  // about 10 microseconds of one core

}  // namespace

Plan plan_blocks(const Run &run, int64_t b, int64_t lanes, int64_t units, int64_t bytes_per_query, double madds,
                 int64_t groups) {
  const auto worth = static_cast<int64_t>(std::min(madds / kMaddsWorthAThread, 1e6));
  const int threads = static_cast<int>(std::max<int64_t>(1, std::min<int64_t>(run.threads.count, worth)));
  const int64_t fair = round_up(std::max<int64_t>(1, ceil_div(b, threads)), lanes);
  const int64_t affordable = run.memory_budget / threads / std::max<int64_t>(1, bytes_per_query) / lanes * lanes;
  const int64_t block = std::max(lanes, std::min({fair, groups * lanes, affordable}));
  const int64_t n_blocks = ceil_div(b, block);
  const bool split = n_blocks < threads && units > 1 && block * n_blocks * units * bytes_per_query <= run.memory_budget;
  return {b, block, n_blocks, split, threads};
}

Block::Block(const attnrec_operand &queries, int64_t first, int64_t count, int64_t full_lanes) {
  const int64_t d = cols_of(queries);
  packed_ = Buffer<float>(round_up(count, full_lanes) * d);
  float *at = packed_.get();
  for (int64_t i = 0; i < count; i += full_lanes) {
    const int64_t here = std::min(full_lanes, count - i);
    const int64_t lanes = lanes_for(here, full_lanes);
    groups_.push_back({first + i, here, lanes, at});
    at += lanes * d;
  }
  fill(queries);
}

void Block::fill(const attnrec_operand &queries) {
  float *at = packed_.get();
  for (const Group &g : groups_) {
    pack_lanes<int64_t>(queries, nullptr, g.first, g.count, g.lanes, at);
    at += g.lanes * cols_of(queries);
  }
}

ChunkReader::ChunkReader(const Keys &keys, int64_t strip, int64_t extra_bytes_per_item) : keys_(keys) {
  const int64_t bytes_per_item =
      std::max<int64_t>(1, keys.d * static_cast<int64_t>(sizeof(float)) + extra_bytes_per_item);
  const bool packs = keys.operand.csr == nullptr &&
                     (keys.operand.index == nullptr || !keys.operand.index->in_panels || keys.subset != nullptr);
  const int64_t bytes = packs && keys.in_l1 ? kL1Bytes : kChunkBytes;
  chunk_ = std::max(strip, bytes / bytes_per_item / strip * strip);
  if (packs) packed_ = Buffer<float>(round_up(std::min(chunk_, keys.n), kPanel) * keys.d + kSlack);
}

void ChunkReader::open(int64_t first, int64_t last) {
  check_cancelled();
  first_ = first;
  last_ = last;
  if (keys_.operand.csr != nullptr) return;
  if (packed_.get() == nullptr) {
    panels_ = keys_.operand.index->data.get() + first * keys_.d;
    return;
  }
  const int32_t *ids = keys_.subset == nullptr ? nullptr : keys_.subset + first;
  pack_panels(keys_.operand, ids, first, last - first, packed_.get());
  panels_ = packed_.get();
}

void ChunkReader::strip(const Kernels &k, const Group &g, int64_t s, int64_t count, float *out, float *top) const {
  const float *bias = keys_.bias == nullptr ? nullptr : keys_.bias + s;
  if (keys_.operand.csr != nullptr) {
    const CsrRows rows{keys_.operand.csr->indptr + s, keys_.operand.csr->indices, keys_.operand.csr->data};
    k.scores_csr(&rows, count, g.queries, g.lanes, keys_.scale, bias, out);
    if (top != nullptr) k.lane_max(out, count, g.lanes, top);
    return;
  }
  const float *panels = panels_ + (s - first_) * keys_.d;
  if (top != nullptr && count % kPanel == 0) {
    k.scores_top(panels, count / kPanel, g.queries, keys_.d, g.lanes, keys_.scale, bias, out, top);
    return;
  }
  k.scores(panels, ceil_div(count, kPanel), g.queries, keys_.d, g.lanes, keys_.scale, bias, out);
  if (top != nullptr) k.lane_max(out, count, g.lanes, top);  // padding must not count
}

int64_t ChunkReader::scan(const Kernels &k, const std::vector<Group> &groups, std::size_t g, int64_t s, int64_t count,
                          const float *threshold, float *out, float *top, Hit *hits) const {
  const Group &group = groups[g];
  if (keys_.operand.csr != nullptr) {
    strip(k, group, s, count, out, top);
    return k.above(out, count, group.lanes, threshold, hits);
  }
  const float *bias = keys_.bias == nullptr ? nullptr : keys_.bias + s;
  const bool whole = count % kPanel == 0;  // padding must not count
  const Prefetch next = prefetch(groups, g, s, count);
  const int64_t found = k.scan(panels_ + (s - first_) * keys_.d, ceil_div(count, kPanel), group.queries, keys_.d,
                               group.lanes, keys_.scale, bias, threshold, &next, out, whole ? top : nullptr, hits);
  if (top != nullptr && !whole) k.lane_max(out, count, group.lanes, top);
  return found;
}

// Each group's scan fetches its part of the next chunk, in the order of the strips: nobody waits for a lot at once.
Prefetch ChunkReader::prefetch(const std::vector<Group> &groups, std::size_t g, int64_t s, int64_t count) const {
  const int64_t left = keys_.n - last_;
  if (packed_.get() != nullptr || groups.size() < kGroupsWorthAhead || left <= 0) return {nullptr, 0};
  const auto n_groups = static_cast<int64_t>(groups.size());
  const int64_t lines = ceil_div(kPanel * keys_.d, kLine * n_groups);
  const int64_t panels = ceil_div(last_ - first_, kPanel);
  const int64_t from = (static_cast<int64_t>(g) * panels + (s - first_) / kPanel) * lines * kLine;
  const int64_t to = from + ceil_div(count, kPanel) * lines * kLine;
  if (to > round_up(std::min(left, chunk_), kPanel) * keys_.d) return {nullptr, 0};
  return {keys_.operand.index->data.get() + last_ * keys_.d + from, lines};
}

}  // namespace attnrec
