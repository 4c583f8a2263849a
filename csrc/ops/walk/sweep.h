// The walk over queries and items that every score-producing op shares: blocks of queries, units and chunks of
// items, strips of scores. Ops only.
//
// Sums over items are formed inside units, whose size depends on n and d alone, and units are merged in order: the
// bits do not depend on how blocks and units were dealt to threads.
#pragma once
#include <algorithm>
#include <vector>

#include "../../kernels/table.h"
#include "operand.h"

namespace attnrec {

struct Units {
  int64_t n, size;
  int64_t count() const { return n == 0 ? 1 : ceil_div(n, size); }
  int64_t first(int64_t unit) const { return unit * size; }
  int64_t last(int64_t unit) const { return std::min(n, (unit + 1) * size); }
};

// Items per strip: with 32 lanes of queries and a panel it stays in 32 KiB of L1.
constexpr int64_t strip_items(int64_t d) { return d >= 128 ? 48 : 96; }
constexpr int64_t kMaxUnits = 16;
constexpr int64_t kMinUnitItems = 960;

// `least`: items that are worth the merging of a unit, if more than usual
inline Units units_of(int64_t n, int64_t strip, int64_t least = 0) {
  return {n, round_up(std::max({ceil_div(n, kMaxUnits), kMinUnitItems, least}), strip)};
}

// How an op's work is dealt out: tasks are (block of queries, unit) when `split`, else blocks.
struct Plan {
  int64_t b, block, n_blocks;
  bool split;
  int threads;
};

constexpr int64_t kMaxGroups = 16;  // of a block of queries: 64 KiB at d = 64 and 16 lanes

// `bytes_per_query`: scratch and state of one query in one unit; `madds`: multiply-adds of the whole op; `groups`: at
// most so many in a block.
Plan plan_blocks(const Run &run, int64_t b, int64_t lanes, int64_t units, int64_t bytes_per_query, double madds,
                 int64_t groups = kMaxGroups);

// Up to `lanes` queries side by side.
struct Group {
  int64_t first;         // row of the first query
  int64_t count;         // queries
  int64_t lanes;         // full width, half of it, or 1
  const float *queries;  // [d][lanes]
};

// The narrowest width that kernels have for `count` queries.
constexpr int64_t lanes_for(int64_t count, int64_t full) {
  return count == 1 ? 1 : count <= full / 2 ? full / 2 : full;
}

// A block of queries, packed.
class Block {
 public:
  Block(const attnrec_operand &queries, int64_t first, int64_t count, int64_t full_lanes);
  const std::vector<Group> &groups() const { return groups_; }
  void fill(const attnrec_operand &queries);  // others, as many, in the same places

 private:
  Buffer<float> packed_;
  std::vector<Group> groups_;
};

// The items of a call: which, in what form, and what is done to a raw score.
struct Keys {
  attnrec_operand operand;
  const int32_t *subset = nullptr;  // positions -> ids, ascending; null: all
  int64_t n = 0;                    // positions
  int64_t d = 0;
  float scale = 1;
  const float *bias = nullptr;  // by position, readable up to a multiple of 12 and kSlack more
  bool in_l1 = false;           // pack no more at once than that holds: right for few queries
};

// Reads chunks of items as panels, packing them unless they are packed already. One a thread.
class ChunkReader {
 public:
  // Chunks are whole strips; `extra_bytes_per_item` of other data go with an item.
  ChunkReader(const Keys &keys, int64_t strip, int64_t extra_bytes_per_item);
  int64_t chunk() const { return chunk_; }
  void open(int64_t first, int64_t last);
  // Scores of items [s, s + count) of the open chunk, and with `top` the maximum of each lane
  void strip(const Kernels &k, const Group &g, int64_t s, int64_t count, float *out, float *top = nullptr) const;
  // The same, and where scores are above their lane's threshold: hits of `hit_rows(g)` rows each. When all of `groups`
  // have scanned this chunk, in order, and they are several, the next one is in L2.
  int64_t scan(const Kernels &k, const std::vector<Group> &groups, std::size_t g, int64_t s, int64_t count,
               const float *threshold, float *out, float *top, Hit *hits) const;
  int64_t hit_rows(const Group &g) const { return keys_.operand.csr != nullptr || g.lanes == 1 ? 1 : kPanel; }

 private:
  const Keys &keys_;
  Prefetch prefetch(const std::vector<Group> &groups, std::size_t g, int64_t s, int64_t count) const;

  int64_t chunk_;
  int64_t first_ = 0, last_ = 0;
  Buffer<float> packed_;
  const float *panels_ = nullptr;
};

// Calls on_strip(index of group, first position, count) for items [first, last) of the reader, which is open at that
// strip; strips of one group come in item order.
template <class OnStrip>
void sweep(ChunkReader &reader, const Block &block, int64_t d, int64_t first, int64_t last, OnStrip on_strip) {
  const int64_t step = strip_items(d);
  const auto &groups = block.groups();
  for (int64_t c = first; c < last; c += reader.chunk()) {
    const int64_t end = std::min(last, c + reader.chunk());
    reader.open(c, end);
    for (std::size_t g = 0; g < groups.size(); ++g) {
      for (int64_t s = c; s < end; s += step) {
        on_strip(g, s, std::min(step, end - s));
      }
    }
  }
}

}  // namespace attnrec
