// Values under strips of attention. Ops only.
#include "values.h"

namespace attnrec {
namespace {

constexpr int64_t kSumBytesInL1 = 16 * 1024;

// Entries of rows [first, last), by column and within a column by row; `starts` is scratch.
void sort_by_column(const attnrec_csr &m, int64_t first, int64_t last, std::vector<int64_t> &starts, Entry *out) {
  const int64_t count = m.indptr[last] - m.indptr[first];
  const auto each = [&](const auto &f) {
    for (int64_t j = first; j < last; ++j) {
      for (int64_t p = m.indptr[j]; p < m.indptr[j + 1]; ++p) {
        f(Entry{m.indices[p], static_cast<int32_t>(j - first), m.data[p]});
      }
    }
  };
  if (m.cols > 8 * count) {  // too few entries to walk over all columns for
    each([&out](const Entry &e) { *out++ = e; });
    std::stable_sort(out - count, out, [](const Entry &a, const Entry &b) { return a.column < b.column; });
    return;
  }
  starts.assign(static_cast<std::size_t>(m.cols) + 1, 0);
  each([&](const Entry &e) { ++starts[static_cast<std::size_t>(e.column) + 1]; });
  for (std::size_t c = 1; c < starts.size(); ++c) starts[c] += starts[c - 1];
  each([&](const Entry &e) { out[starts[static_cast<std::size_t>(e.column)]++] = e; });
}

}  // namespace

Values::Values(const attnrec_operand &operand, int64_t items, int64_t b, int64_t full_lanes, const Run &run)
    : operand_(operand), items_(items) {
  if (operand.csr == nullptr) return;
  const attnrec_csr &m = *operand.csr;
  const int64_t nnz = m.indptr[m.rows];
  const int64_t size = sizeof(Entry);
  const bool in_l1 = m.cols * full_lanes * static_cast<int64_t>(sizeof(float)) <= kSumBytesInL1;
  if (b < 3 * full_lanes || in_l1 || nnz > run.memory_budget / 2 / size) return;
  const int64_t strips = ceil_div(m.rows, items);
  entries_ = Buffer<Entry>(nnz);
  first_.resize(static_cast<std::size_t>(strips) + 1);
  for (int64_t i = 0; i <= strips; ++i) first_[static_cast<std::size_t>(i)] = m.indptr[std::min(m.rows, i * items)];
  constexpr int64_t kStripsPerTask = 16;
  Threads threads = run.threads;
  threads.count = plan_blocks(run, strips, 1, 1, 1, 8.0 * static_cast<double>(nnz)).threads;
  parallel_for(ceil_div(strips, kStripsPerTask), threads, [&](int64_t task) {
    std::vector<int64_t> starts;
    for (int64_t i = task * kStripsPerTask; i < std::min(strips, (task + 1) * kStripsPerTask); ++i) {
      sort_by_column(m, i * items, std::min(m.rows, (i + 1) * items), starts,
                     entries_.get() + first_[static_cast<std::size_t>(i)]);
    }
  });
}

ValueReader::ValueReader(const Values &values, const Block &block) : values_(values), groups_(block.groups()) {
  const bool wide = values.operand_.csr == nullptr && values.width() > kWideRow && groups_.size() > 2;
  if (!wide) return;
  packed_ = Buffer<float>(std::max(kValueBytes / static_cast<int64_t>(sizeof(float)), values.items_ * kPanel));
}

// packed[(c - first) * count + j * 12 + i] = value of row s + j in column c + i
void ValueReader::pack(int64_t s, int64_t count, int64_t first, int64_t last) const {
  const attnrec_matrix &v = *values_.operand_.dense;
  for (int64_t c = first; c < last; c += kPanel) {
    float *out = packed_.get() + (c - first) * count;
    const int64_t cols = std::min(kPanel, last - c);
    for (int64_t j = 0; j < count; ++j) std::copy_n(v.data + (s + j) * v.row_stride + c, cols, out + j * kPanel);
  }
}

void ValueReader::add_dense(const Kernels &k, int64_t s, int64_t count, int64_t first, int64_t last, const float *strip,
                            int64_t lanes, float *sums) const {
  if (packed_.get() == nullptr) {
    const attnrec_matrix &v = *values_.operand_.dense;
    k.values(v.data + s * v.row_stride + first, v.row_stride, count, last - first, strip, lanes, sums + first * lanes);
    return;
  }
  for (int64_t c = first; c < last; c += kPanel) {
    k.values(packed_.get() + (c - first) * count, kPanel, count, std::min(kPanel, last - c), strip, lanes,
             sums + c * lanes);
  }
}

}  // namespace attnrec
