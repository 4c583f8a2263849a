// Values under strips of attention: packed where they are wide, by column where they are sparse. Ops only.
#pragma once
#include <algorithm>
#include <vector>

#include "sweep.h"

namespace attnrec {

// Values wider than this are packed: their rows lie 256 bytes and more apart, so a tile's columns share few sets of L1,
// and in pages of their own when wide, of which a strip of 96 has more than the TLB.
constexpr int64_t kWideRow = 48;
constexpr int64_t kValueBytes = 96 * 1024;  // of a strip's packed values, in L2 while all groups of a block use them

// Items of a strip where values are sparse, a multiple of what `strip_items` gives: columns long enough to be worth a
// load and a store of their sums, while the attention of two groups stays near L1.
constexpr int64_t kSparseStrip = 288;

// Strips [count][lanes] of all groups of a block, [groups][items][full lanes], followed by slack.
class Strips {
 public:
  Strips(const Block &block, int64_t items, int64_t full_lanes)
      : items_(items), step_(items * full_lanes), data_(static_cast<int64_t>(block.groups().size()) * step_ + kSlack) {}
  int64_t items() const { return items_; }
  float *of(std::size_t g) const { return data_.get() + static_cast<int64_t>(g) * step_; }

 private:
  int64_t items_, step_;
  Buffer<float> data_;
};

// Groups of queries in a block whose sums of sparse values, which are written all over, stay in L2.
inline int64_t groups_for_sparse(const Kernels &k, int64_t m) {
  constexpr int64_t bytes = 1024 * 1024;
  const int64_t fitting = bytes / (std::max<int64_t>(1, m) * k.lanes * static_cast<int64_t>(sizeof(float)));
  return std::max(k.column_groups, std::min(fitting, kMaxGroups));
}

// Sparse values of a strip by column. Columns stand by their number of entries, so that the branch that ends a column
// is foreseen; columns without an entry do not stand here.
struct SparseStrip {
  std::vector<Column> columns;
  Buffer<Entry> entries;
};

// Values as the tasks of one call read them. Sparse values that several groups of queries will read are arranged by
// column within each strip, once.
class Values {
 public:
  // Strips start at multiples of `items`; `b` queries will read them.
  Values(const attnrec_operand &operand, int64_t items, int64_t b, int64_t full_lanes, const Run &run);
  int64_t width() const { return cols_of(operand_); }
  // Bytes of a row that a chunk should make room for
  int64_t row_bytes() const { return operand_.csr == nullptr ? width() * static_cast<int64_t>(sizeof(float)) : 0; }

 private:
  friend class ValueReader;
  attnrec_operand operand_;
  int64_t items_;
  std::vector<SparseStrip> strips_;  // empty: not arranged
};

// Fetches rows of a matrix into L2 in equal steps, between which there is other work.
class Ahead {
 public:
  Ahead() = default;
  Ahead(const float *data, int64_t stride, int64_t rows, int64_t cols, int64_t steps)
      : row_(data), stride_(stride), cols_(cols), left_(rows * ceil_div(cols, kLine)), step_(ceil_div(left_, steps)) {}
  void step() {
    for (int64_t i = std::min(step_, left_); i > 0; --i, --left_) {
      __builtin_prefetch(row_ + col_, 0, 2);
      col_ += kLine;
      if (col_ < cols_) continue;
      col_ = 0;
      row_ += stride_;
    }
  }

 private:
  const float *row_ = nullptr;
  int64_t stride_ = 0, cols_ = 0, left_ = 0, step_ = 0, col_ = 0;
};

// Adds strips times values to the sums of every group of a block. One a task.
class ValueReader {
 public:
  ValueReader(const Values &values, const Block &block);
  // sums_of(g)[c][l] += sum over rows [s, s + count) of values[j][c] * strip of g[j][l], for the groups that are live;
  // strips of the others are not read if the values are dense, and hold zeros if they are sparse.
  template <class SumsOf>
  void add(const Kernels &k, int64_t s, int64_t count, const Strips &strips, const std::vector<char> &live,
           const SumsOf &sums_of) const {
    if (values_.operand_.csr != nullptr) {
      for (std::size_t g = 0; g < groups_.size();) g += add_sparse(k, s, count, strips, g, sums_of);
      return;
    }
    const int64_t step = packed_.get() == nullptr ? values_.width() : pack_step(count);
    for (int64_t first = 0; first < values_.width(); first += step) {
      const int64_t last = std::min(values_.width(), first + step);
      Ahead ahead;
      if (packed_.get() != nullptr) {
        pack(s, count, first, last);
        ahead = after(s, count, first, last);
      }
      for (std::size_t g = 0; g < groups_.size(); ++g) {
        if (live[g] == 0) continue;
        add_dense(k, s, count, first, last, strips.of(g), groups_[g].lanes, sums_of(g), ahead);
      }
    }
  }

 private:
  static int64_t pack_step(int64_t count) {
    return std::max<int64_t>(1, kValueBytes / static_cast<int64_t>(sizeof(float)) / (count * kPanel)) * kPanel;
  }
  void pack(int64_t s, int64_t count, int64_t first, int64_t last) const;
  Ahead after(int64_t s, int64_t count, int64_t first, int64_t last) const;  // what will be packed next
  void add_dense(const Kernels &k, int64_t s, int64_t count, int64_t first, int64_t last, const float *strip,
                 int64_t lanes, float *sums, Ahead &ahead) const;
  // For group g and, where they go together, the next ones; returns how many.
  template <class SumsOf>
  std::size_t add_sparse(const Kernels &k, int64_t s, int64_t count, const Strips &strips, std::size_t g,
                         const SumsOf &sums_of) const {
    const int64_t lanes = groups_[g].lanes;
    if (values_.strips_.empty() || lanes == 1) {
      const attnrec_csr &m = *values_.operand_.csr;
      const CsrRows rows{m.indptr + s, m.indices, m.data};
      k.values_csr(&rows, count, strips.of(g), lanes, sums_of(g));
      return 1;
    }
    const auto together = static_cast<std::size_t>(k.column_groups);
    const bool all = g + together <= groups_.size() && groups_[g + together - 1].lanes == k.lanes;
    const std::size_t n = all ? together : 1;
    const float *from[2];
    float *to[2];
    for (std::size_t i = 0; i < n; ++i) {
      from[i] = strips.of(g + i);
      to[i] = sums_of(g + i);
    }
    const SparseStrip &strip = values_.strips_[static_cast<std::size_t>(s / values_.items_)];
    k.values_by_column(strip.columns.data(), static_cast<int64_t>(strip.columns.size()), strip.entries.get(), from,
                       static_cast<int64_t>(n), lanes, to);
    return n;
  }

  const Values &values_;
  const std::vector<Group> &groups_;
  Buffer<float> packed_;
};

}  // namespace attnrec
