// Writing and opening of an index file: a header of 128 bytes, and sections that start at multiples of 64, whose sizes
// follow from the header. The header's sum finds damage to it; of the sections, what is used as a position is checked
// against its range, so that no damage reads outside the file. Border: no kernels, no Python.
#include "index_file.h"

#include <array>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <numeric>
#include <system_error>

#include "../core/dispatch.h"
#include "../ops/retrieval/int8.h"
#include "mapped_file.h"

namespace attnrec {
namespace {

constexpr uint32_t kVersion = 1;
constexpr uint32_t kByteOrder = 0x01020304;
constexpr char kMagic[8] = {'A', 'T', 'T', 'N', 'R', 'I', 'D', 'X'};
constexpr int64_t kSectionAlign = 64;
const char *kFix = "; save the index again with ItemIndex.save";

struct Header {
  char magic[8];
  uint32_t version, byte_order;
  int64_t n, d, bytes;
  uint32_t precision, in_panels, has_ids, has_int8;
  int32_t panel, slack, strip, head;  // of the packing
  int32_t levels, offset;             // of the 8-bit copies
  float max_abs;
  uint32_t zeros[9];
  uint64_t sum;
};
static_assert(sizeof(Header) == 2 * kSectionAlign);

// FNV-1a of all before the sum
uint64_t sum_of(const Header &h) {
  unsigned char bytes[sizeof(Header) - sizeof(h.sum)];
  std::memcpy(bytes, &h, sizeof(bytes));
  uint64_t out = 0xCBF29CE484222325;
  for (const unsigned char b : bytes) out = (out ^ b) * 0x100000001B3;
  return out;
}

// What the packing and the 8-bit copies depend on
void mark(Header &h) {
  h.panel = kPanel;
  h.slack = kSlack;
  h.strip = kInt8Strip;
  h.head = kInt8Head;
  const Int8Kernels *table = level().int8;
  h.levels = h.has_int8 != 0 && table != nullptr ? table->item_levels : 0;
  h.offset = h.has_int8 != 0 && table != nullptr ? table->item_offset : 0;
}

enum Part { kItems, kIds, kById, kBounds, kOrder, kNorms, kHeadPanels, kPanels, kParts };

struct Section {
  int64_t offset = 0, stored = 0;  // stored: bytes that are not zeros behind them
};

struct Layout {
  std::array<Section, kParts> parts;
  int64_t bytes = sizeof(Header);

  explicit Layout(const Header &h) {
    const int64_t panels = ceil_div(h.n, kPanel);
    const int64_t head = std::min(h.n, kInt8Head);
    const int64_t depth = 2 * ceil_div(h.d, 8);
    add(kItems, 4 * h.d * (h.in_panels != 0 ? panels * kPanel : h.n), 4 * (h.d * panels * kPanel + kSlack));
    if (h.has_ids != 0) add(kIds, 8 * h.n, 8 * h.n);
    if (h.has_ids != 0) add(kById, 8 * h.n, 8 * h.n);
    if (h.has_int8 == 0) return;
    add(kBounds, panels * int64_t{sizeof(PanelBound)}, panels * int64_t{sizeof(PanelBound)});
    add(kOrder, 4 * h.n, 4 * h.n);
    add(kNorms, 4 * ceil_div(h.n, kInt8Strip), 4 * ceil_div(h.n, kInt8Strip));
    add(kHeadPanels, 4 * round_up(head, kPanel) * h.d, 4 * (round_up(head, kPanel) * h.d + kSlack));
    add(kPanels, panels * depth * kPanel * 4, panels * depth * kPanel * 4 + 16);
  }

 private:
  void add(Part part, int64_t stored, int64_t all) {
    parts[part] = {bytes, stored};
    bytes += round_up(all, kSectionAlign);
  }
};

class Writer {
 public:
  explicit Writer(const char *path) : path_(path), file_(std::fopen(path, "wb")) {
    if (file_ == nullptr) stop();
  }
  Writer(const Writer &) = delete;
  ~Writer() {
    if (file_ != nullptr) std::fclose(file_);
  }
  void write(const void *data, int64_t bytes) {
    if (bytes > 0 && std::fwrite(data, 1, static_cast<std::size_t>(bytes), file_) != static_cast<std::size_t>(bytes)) {
      stop();
    }
    at_ += bytes;
  }
  void zeros_to(int64_t offset) {
    static const char zeros[kSectionAlign] = {};
    while (at_ < offset) write(zeros, std::min(kSectionAlign, offset - at_));
  }
  void close() {
    if (std::fclose(std::exchange(file_, nullptr)) != 0) stop();
  }

 private:
  [[noreturn]] void stop() const {
    fail("ItemIndex.save: ", path_, " can not be written: ", std::generic_category().message(errno));
  }
  const char *path_;
  std::FILE *file_;
  int64_t at_ = 0;
};

std::vector<int64_t> sorted_by_id(const int64_t *ids, int64_t n) {
  std::vector<int64_t> out(ids == nullptr ? 0 : static_cast<std::size_t>(n));
  std::iota(out.begin(), out.end(), 0);
  std::sort(out.begin(), out.end(), [&](int64_t a, int64_t b) { return ids[a] < ids[b]; });
  return out;
}

bool named_well(const attnrec_index &index) {
  int64_t last = -1;
  for (int64_t i = 0; i < index.n; ++i) {
    const int64_t j = index.by_id[i];
    if (j < 0 || j >= index.n || index.ids[j] <= last) return false;
    last = index.ids[j];
  }
  return true;
}

Header read_header(const char *path, const unsigned char *data, int64_t size) {
  const auto bad = [&](const auto &...why) { fail("ItemIndex.open: ", path, why..., kFix); };
  Header h{};
  if (size >= int64_t{sizeof(h)}) std::memcpy(&h, data, sizeof(h));
  if (std::memcmp(h.magic, kMagic, sizeof(kMagic)) != 0) {
    if (size < int64_t{sizeof(h)}) bad(" is truncated or no index file: it has ", size, " bytes");
    fail("ItemIndex.open: ", path, " is no index file; give a file that ItemIndex.save wrote");
  }
  if (h.byte_order != kByteOrder) bad(" was written on a processor with another order of bytes");
  if (h.version != kVersion) {
    bad(" has version ", h.version, " of the format, and this release reads version ", kVersion);
  }
  if (h.sum != sum_of(h)) bad(" is damaged: its header does not add up");
  int64_t floats = 0;
  if (h.n < 0 || h.n > INT32_MAX - 64 || h.d < 0 || h.d > INT32_MAX || h.precision > ATTNREC_PRECISION_INT8 ||
      __builtin_mul_overflow(round_up(h.n, kPanel), h.d, &floats) || floats > size / 4) {
    bad(" is truncated or damaged: it has ", size, " bytes for ", shape(h.n, h.d), " items");
  }
  if (!(h.max_abs >= 0 && std::isfinite(h.max_abs))) bad(" is damaged: its largest magnitude is ", h.max_abs);
  Header ours = h;
  mark(ours);
  if (h.panel != ours.panel || h.slack != ours.slack || h.strip != ours.strip || h.head != ours.head) {
    bad(" is packed in another way than this release packs items");
  }
  if (h.has_int8 != 0 && (!int8_serves(h.n, h.d) || h.levels != ours.levels || h.offset != ours.offset)) {
    bad(" holds 8-bit copies for other instructions than ", level().name,
        ", which this process runs on; use one kind of processor, or precision=\"float32\", which is packed alike for "
        "all");
  }
  if (Layout(h).bytes != size || h.bytes != size) {
    bad(" is truncated or damaged: it has ", size, " bytes and needs ", h.bytes);
  }
  return h;
}

// The whole of a file with what keeps it.
struct Whole {
  std::shared_ptr<const void> keep;
  const unsigned char *data = nullptr;
  int64_t size = 0;

  Whole(const char *path, bool map) {
    try {
      auto file = std::make_shared<MappedFile>(path);
      data = file->data();
      size = file->size();
      keep = file;
    } catch (const std::system_error &error) {
      fail("ItemIndex.open: ", path, " can not be opened: ", error.code().message());
    }
    if (map) return;
    auto copy = std::make_shared<Buffer<unsigned char>>(size);
    if (size > 0) std::memcpy(copy->get(), data, static_cast<std::size_t>(size));
    data = copy->get();
    keep = copy;
  }

  template <class T>
  Buffer<T> at(const Section &section) const {
    return Buffer<T>::borrowed(reinterpret_cast<const T *>(data + section.offset));
  }
};

}  // namespace

void save_index(const attnrec_index &index, const int64_t *ids, const char *path) {
  const Int8Items *int8 = index.int8.get();
  Header h{};
  std::memcpy(h.magic, kMagic, sizeof(kMagic));
  h.version = kVersion;
  h.byte_order = kByteOrder;
  h.n = index.n;
  h.d = index.d;
  h.precision = static_cast<uint32_t>(index.precision);
  h.in_panels = index.in_panels ? 1 : 0;
  h.has_ids = ids != nullptr ? 1 : 0;
  h.has_int8 = int8 != nullptr ? 1 : 0;
  h.max_abs = index.max_abs;
  mark(h);
  const Layout layout(h);
  h.bytes = layout.bytes;
  h.sum = sum_of(h);
  const auto by_id = sorted_by_id(ids, index.n);
  std::array<const void *, kParts> data{index.data.get(), ids, by_id.data()};
  if (int8 != nullptr) {
    data[kBounds] = int8->bounds.get();
    data[kOrder] = int8->order.get();
    data[kNorms] = int8->head_norms.data();
    data[kHeadPanels] = int8->head_panels.get();
    data[kPanels] = int8->panels.get();
  }
  Writer out(path);
  out.write(&h, sizeof(h));
  for (int part = 0; part < kParts; ++part) {
    out.zeros_to(layout.parts[part].offset);
    out.write(data[part], layout.parts[part].stored);
  }
  out.zeros_to(layout.bytes);
  out.close();
}

attnrec_index *open_index(const char *path, bool map) {
  const Whole file(path, map);
  const Header h = read_header(path, file.data, file.size);
  const Layout layout(h);
  const auto damaged = [&](const char *what) { fail("ItemIndex.open: ", path, " is damaged in its ", what, kFix); };
  auto out = std::make_unique<attnrec_index>();
  out->n = h.n;
  out->d = h.d;
  out->precision = static_cast<attnrec_precision>(h.precision);
  out->max_abs = h.max_abs;
  out->in_panels = h.in_panels != 0;
  out->data = file.at<float>(layout.parts[kItems]);
  out->keep = file.keep;
  if (h.has_ids != 0) {
    out->ids = file.at<int64_t>(layout.parts[kIds]);
    out->by_id = file.at<int64_t>(layout.parts[kById]);
    if (!named_well(*out)) damaged("ids");
  }
  if (h.has_int8 == 0) return out.release();
  auto int8 = std::make_shared<Int8Items>();
  int8->n = h.n;
  int8->depth = 2 * ceil_div(h.d, 8);
  int8->bounds = file.at<PanelBound>(layout.parts[kBounds]);
  int8->order = file.at<int32_t>(layout.parts[kOrder]);
  for (int64_t i = 0; i < h.n; ++i) {
    if (int8->order[i] < 0 || int8->order[i] >= h.n) damaged("order of norms");
  }
  const Buffer<float> norms = file.at<float>(layout.parts[kNorms]);
  int8->head_norms.assign(norms.get(), norms.get() + ceil_div(h.n, kInt8Strip));
  int8->head = std::min(h.n, kInt8Head);
  int8->head_panels = file.at<float>(layout.parts[kHeadPanels]);
  int8->panels = file.at<uint8_t>(layout.parts[kPanels]);
  out->int8 = std::move(int8);
  return out.release();
}

}  // namespace attnrec
