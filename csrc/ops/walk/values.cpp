// Values under strips of attention. Ops only.
#include "values.h"

#include <cstring>

namespace attnrec {
namespace {

// Columns of a strip per entry from which on hardly two entries share one, and walking over all columns is the work.
constexpr int64_t kEmptyColumns = 64;
constexpr int64_t kCounts = 64;  // columns with more entries than this are not told apart

// Rows [first, last) by column. The entries of a column stay in row order, hence the bits of its sums.
SparseStrip arrange(const attnrec_csr &m, int64_t first, int64_t last, int64_t full_lanes) {
  std::vector<int64_t> ends(static_cast<std::size_t>(m.cols), 0);  // counts at first, then where a column's entries go
  for (int64_t p = m.indptr[first]; p < m.indptr[last]; ++p) ++ends[static_cast<std::size_t>(m.indices[p])];
  const auto rank = [](int64_t count) { return static_cast<std::size_t>(kCounts - std::min(kCounts, count)); };
  int64_t starts[kCounts + 2] = {};
  for (const int64_t count : ends) ++starts[rank(count) + 1];
  for (std::size_t r = 1; r <= kCounts; ++r) starts[r] += starts[r - 1];
  SparseStrip out;
  out.columns.resize(static_cast<std::size_t>(starts[kCounts]));  // the last rank is that of empty columns
  for (int64_t c = 0; c < m.cols; ++c) {
    const int64_t count = ends[static_cast<std::size_t>(c)];
    if (count == 0) continue;
    out.columns[static_cast<std::size_t>(starts[rank(count)]++)] = {static_cast<int32_t>(c),
                                                                    static_cast<int32_t>(count)};
  }
  int64_t at = 0;
  for (const Column &c : out.columns) {
    ends[static_cast<std::size_t>(c.index)] = at;
    at += c.count;
  }
  out.entries = Buffer<Entry>(at);
  for (int64_t j = first; j < last; ++j) {
    for (int64_t p = m.indptr[j]; p < m.indptr[j + 1]; ++p) {
      out.entries[ends[static_cast<std::size_t>(m.indices[p])]++] = {static_cast<int32_t>((j - first) * full_lanes),
                                                                     m.data[p]};
    }
  }
  return out;
}

}  // namespace

Values::Values(const attnrec_operand &operand, int64_t items, int64_t b, int64_t full_lanes, const Run &run)
    : operand_(operand), items_(items) {
  if (operand.csr == nullptr) return;
  const attnrec_csr &m = *operand.csr;
  const int64_t nnz = m.indptr[m.rows];
  constexpr int64_t size = sizeof(Entry) + sizeof(Column);
  const int64_t n_strips = ceil_div(m.rows, items);
  const bool crowded = static_cast<double>(nnz) * kEmptyColumns >= static_cast<double>(n_strips) * m.cols;
  if (b < 3 * full_lanes || !crowded || nnz > run.memory_budget / 2 / size) return;
  strips_.resize(static_cast<std::size_t>(n_strips));
  Threads threads = run.threads;
  threads.count = plan_blocks(run, n_strips, 1, 1, 1, 8.0 * static_cast<double>(nnz)).threads;
  parallel_for(n_strips, threads, [&](int64_t i) {
    strips_[static_cast<std::size_t>(i)] = arrange(m, i * items, std::min(m.rows, (i + 1) * items), full_lanes);
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
  for (int64_t j = 0; j < count; ++j) {
    const float *row = v.data + (s + j) * v.row_stride + first;
    float *out = packed_.get() + j * kPanel;
    int64_t left = last - first;
    for (; left >= kPanel; left -= kPanel, row += kPanel, out += count * kPanel) {
      std::memcpy(out, row, kPanel * sizeof(float));  // of a known size: no call
    }
    std::copy_n(row, left, out);
  }
}

Ahead ValueReader::after(int64_t s, int64_t count, int64_t first, int64_t last) const {
  const attnrec_matrix &v = *values_.operand_.dense;
  const int64_t step = pack_step(count);
  const int64_t steps = static_cast<int64_t>(groups_.size()) * ceil_div(last - first, kPanel);
  if (last < v.cols)
    return {v.data + s * v.row_stride + last, v.row_stride, count, std::min(step, v.cols - last), steps};
  const int64_t left = v.rows - (s + count);  // none: an address that is never read, but of the matrix
  const float *next = v.data + (left > 0 ? s + count : s) * v.row_stride;
  return {next, v.row_stride, std::min(count, left), std::min(step, v.cols), steps};
}

void ValueReader::add(const Kernels &k, int64_t s, int64_t count, const Strips &strips, const std::vector<char> &live,
                      const Sums &sums) const {
  if (values_.operand_.csr != nullptr) {
    for (std::size_t g = 0; g < groups_.size();) g += add_sparse(k, s, count, strips, g, sums);
    if (!sums.in_parts()) return;
    std::vector<int32_t> ended;
    each_part_end(*values_.operand_.csr, s, s + count, [&](int32_t column) { ended.push_back(column); });
    return sums.end_parts(k, ended.data(), static_cast<int64_t>(ended.size()));
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
      if (live[g] != 0) add_dense(k, s, count, first, last, strips.of(g), groups_[g].lanes, sums.part(g), ahead);
    }
  }
  if (s / kDensePart != (s + count) / kDensePart) sums.end_parts(k);
}

std::size_t ValueReader::add_sparse(const Kernels &k, int64_t s, int64_t count, const Strips &strips, std::size_t g,
                                    const Sums &sums) const {
  const int64_t lanes = groups_[g].lanes;
  if (values_.strips_.empty() || lanes == 1) {
    const attnrec_csr &m = *values_.operand_.csr;
    const CsrRows rows{m.indptr + s, m.indices, m.data};
    k.values_csr(&rows, count, strips.of(g), lanes, sums.part(g));
    return 1;
  }
  const auto together = static_cast<std::size_t>(k.column_groups);
  const bool all = g + together <= groups_.size() && groups_[g + together - 1].lanes == k.lanes;
  const std::size_t n = all ? together : 1;
  const float *from[2];
  float *to[2];
  for (std::size_t i = 0; i < n; ++i) {
    from[i] = strips.of(g + i);
    to[i] = sums.part(g + i);
  }
  const SparseStrip &strip = values_.strips_[static_cast<std::size_t>(s / values_.items_)];
  k.values_by_column(strip.columns.data(), static_cast<int64_t>(strip.columns.size()), strip.entries.get(), from,
                     static_cast<int64_t>(n), lanes, to);
  return n;
}

void ValueReader::add_dense(const Kernels &k, int64_t s, int64_t count, int64_t first, int64_t last, const float *strip,
                            int64_t lanes, float *sums, Ahead &ahead) const {
  if (packed_.get() == nullptr) {
    const attnrec_matrix &v = *values_.operand_.dense;
    k.values(v.data + s * v.row_stride + first, v.row_stride, count, last - first, strip, lanes, sums + first * lanes);
    return;
  }
  for (int64_t c = first; c < last; c += kPanel) {
    k.values(packed_.get() + (c - first) * count, kPanel, count, std::min(kPanel, last - c), strip, lanes,
             sums + c * lanes);
    ahead.step();
  }
}

}  // namespace attnrec
