// Values under strips of attention: packed where they are wide, by column where they are sparse. Ops only.
#pragma once
#include <algorithm>
#include <vector>

#include "../../kernels/long_sum.h"
#include "sweep.h"

namespace attnrec {

// Values wider than this are packed: their rows lie 256 bytes and more apart, so a tile's columns share few sets of L1,
// and in pages of their own when wide, of which a strip of 96 has more than the TLB.
constexpr int64_t kWideRow = 48;
constexpr int64_t kValueBytes = 96 * 1024;  // of a strip's packed values, in L2 while all groups of a block use them

// Items of a strip where values are sparse, a multiple of what `strip_items` gives: columns long enough to be worth a
// load and a store of their sums, while the attention of two groups stays near L1.
constexpr int64_t kSparseStrip = 288;

// Dense values: rows whose strips' sums are added one after the other before they are added to the whole.
constexpr int64_t kDensePart = 1536;
// Sparse values: of so many stored entries one, at no regular place, ends the part of its column's sum. To end all
// parts would take longer than to add to them where columns are short; and so the longer parts are where more is added.
constexpr int64_t kSparsePart = 256;

// Calls f(column) for entries of rows [first, last) that end a part.
template <class F>
void each_part_end(const attnrec_csr &x, int64_t first, int64_t last, F f) {
  for (int64_t i = x.indptr[first] / kSparsePart; i * kSparsePart < x.indptr[last]; ++i) {
    const int64_t p = i * kSparsePart + static_cast<int64_t>(mixed(i) % kSparsePart);
    if (p >= x.indptr[first] && p < x.indptr[last]) f(x.indices[p]);
  }
}

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
  // Whether their rows are too many for one running sum
  bool in_parts() const { return rows_of(operand_) > (operand_.csr == nullptr ? kDensePart : kShortSum); }
  // Bytes of a row that a chunk should make room for
  int64_t row_bytes() const { return operand_.csr == nullptr ? width() * static_cast<int64_t>(sizeof(float)) : 0; }

 private:
  friend class ValueReader;
  attnrec_operand operand_;
  int64_t items_;
  std::vector<SparseStrip> strips_;  // empty: not arranged
};

// Sums of values for each group of a block, [groups][m][lanes]: parts that kernels add to, and beside them the whole
// where one running sum would be too long (long_sum.h).
class Sums {
 public:
  Sums(const Block &block, int64_t m, int64_t full_lanes, bool in_parts)
      : groups_(block.groups()), m_(m), step_(m * full_lanes), size_(static_cast<int64_t>(groups_.size()) * step_),
        in_parts_(in_parts), parts_(size_), whole_(in_parts ? size_ : 0) {
    clear();
  }
  void clear() {
    std::fill_n(parts_.get(), size_, 0.0F);
    if (in_parts_) std::fill_n(whole_.get(), size_, 0.0F);
  }
  bool in_parts() const { return in_parts_; }
  float *part(std::size_t g) const { return parts_.get() + static_cast<int64_t>(g) * step_; }
  float *of(std::size_t g) const { return in_parts_ ? whole_.get() + static_cast<int64_t>(g) * step_ : part(g); }
  // Ends the parts of some columns, or with null of all n = m.
  void end_parts(const Kernels &k, const int32_t *columns, int64_t n) const {
    for (std::size_t g = 0; g < groups_.size() && in_parts_; ++g) {
      k.two_sums(columns, n, groups_[g].lanes, of(g), part(g));
    }
  }
  void end_parts(const Kernels &k) const { end_parts(k, nullptr, m_); }
  // All that a group has so far times a factor for each lane
  void scale(const Kernels &k, std::size_t g, const float *factor) const {
    k.blend(part(g), factor, nullptr, nullptr, m_, groups_[g].lanes);
    if (in_parts_) k.blend(of(g), factor, nullptr, nullptr, m_, groups_[g].lanes);
  }

 private:
  const std::vector<Group> &groups_;
  int64_t m_, step_, size_;
  bool in_parts_;
  Buffer<float> parts_, whole_;
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
  // sums[g][c][l] += sum over rows [s, s + count) of values[j][c] * strip of g[j][l], for the groups that are live;
  // strips of the others are not read if the values are dense, and hold zeros if they are sparse.
  void add(const Kernels &k, int64_t s, int64_t count, const Strips &strips, const std::vector<char> &live,
           const Sums &sums) const;

 private:
  static int64_t pack_step(int64_t count) {
    return std::max<int64_t>(1, kValueBytes / static_cast<int64_t>(sizeof(float)) / (count * kPanel)) * kPanel;
  }
  void pack(int64_t s, int64_t count, int64_t first, int64_t last) const;
  Ahead after(int64_t s, int64_t count, int64_t first, int64_t last) const;  // what will be packed next
  void add_dense(const Kernels &k, int64_t s, int64_t count, int64_t first, int64_t last, const float *strip,
                 int64_t lanes, float *sums, Ahead &ahead) const;
  // For group g and, where they go together, the next ones; returns how many.
  std::size_t add_sparse(const Kernels &k, int64_t s, int64_t count, const Strips &strips, std::size_t g,
                         const Sums &sums) const;

  const Values &values_;
  const std::vector<Group> &groups_;
  Buffer<float> packed_;
};

}  // namespace attnrec
