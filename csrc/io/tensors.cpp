// Reads the header of a safetensors file: 8 bytes of its length, JSON, then the tensors without a gap. Model: knows no
// estimator.
#include "tensors.h"

#include <algorithm>
#include <system_error>

namespace attnrec {
namespace {

constexpr int64_t kPrefix = 8;
constexpr int64_t kMaxHeader = 1 << 24;  // bytes
constexpr std::size_t kMaxAxes = 8;

struct DType {
  const char *name;
  int64_t size;
};
constexpr DType kDTypes[] = {{"F32", 4}, {"F64", 8}, {"I32", 4}, {"I64", 8}, {"U8", 1}};

MappedFile map(const char *path) {
  try {
    return MappedFile(path);
  } catch (const std::system_error &error) {
    fail("model_open: ", quoted(path), " can not be read (", error.code().message(),
         "): give the path of a file that model.save(path) wrote");
  }
}

int64_t length_of_header(const unsigned char *x) {
  uint64_t out = 0;
  for (int i = 7; i >= 0; --i) out = out << 8 | x[i];
  return static_cast<int64_t>(std::min<uint64_t>(out, INT64_MAX));
}

}  // namespace

std::string shape(const std::vector<int64_t> &x) {
  std::string out = "(";
  for (const int64_t n : x) out += (out.size() > 1 ? ", " : "") + std::to_string(n);
  return out + (x.size() == 1 ? ",)" : ")");
}

std::string quoted(const std::string &text) {
  constexpr std::size_t most = 200;
  std::string out = "'";
  for (const char c : text.substr(0, most)) out += static_cast<unsigned char>(c) < 0x20 || c == 0x7F ? '?' : c;
  return out + (text.size() > most ? "...'" : "'");
}

TensorFile::TensorFile(const char *path) : path_(quoted(path)), file_(map(path)) {
  if (file_.size() < kPrefix) refuse("is truncated: it has ", file_.size(), " bytes");
  const int64_t length = length_of_header(file_.data());
  if (length > file_.size() - kPrefix) {
    refuse("is truncated or no model file: its header should have ", length, " bytes of ", file_.size());
  }
  if (length > kMaxHeader) refuse("is no model file: its header would have ", length, " bytes");
  const auto *text = reinterpret_cast<const char *>(file_.data() + kPrefix);
  try {
    read(parse_json({text, static_cast<std::size_t>(length)}), kPrefix + length);
  } catch (const BadJson &error) {
    refuse("is damaged or no model file: its header is no JSON, ", error.what());
  }
}

void TensorFile::read(const Json &table, int64_t start) {
  if (table.kind != Json::Kind::kObject) refuse("is no model file: its header is no object");
  struct Extent {
    int64_t begin, end;
    const std::string *name;
  };
  std::vector<Extent> extents;
  for (const JsonMember &member : table.members) {
    if (member.name == "__metadata__") {
      metadata_ = member.value;
      continue;
    }
    Extent e{0, 0, &member.name};
    tensors_[member.name] = read(member.name, member.value, start, &e.begin, &e.end);
    extents.push_back(e);
  }
  const auto before = [](const Extent &a, const Extent &b) {
    return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
  };
  std::sort(extents.begin(), extents.end(), before);
  int64_t at = 0;
  for (const Extent &e : extents) {
    if (e.begin != at) refuse("is damaged: tensor ", quoted(*e.name), " begins at byte ", e.begin, " instead of ", at);
    at = e.end;
  }
  if (at != file_.size() - start) {
    refuse("is truncated or damaged: its tensors take ", at, " bytes, and it has ", file_.size() - start, " for them");
  }
}

Tensor TensorFile::read(const std::string &name, const Json &entry, int64_t start, int64_t *begin, int64_t *end) const {
  const Json *dtype = entry.find("dtype");
  const Json *axes = entry.find("shape");
  const Json *offsets = entry.find("data_offsets");
  const auto natural = [](const Json &x) { return x.kind == Json::Kind::kInteger && x.integer >= 0; };
  const auto list = [&](const Json *x) {
    return x != nullptr && x->kind == Json::Kind::kArray && std::all_of(x->items.begin(), x->items.end(), natural);
  };
  const bool whole = entry.members.size() == 3 && dtype != nullptr && list(axes) && list(offsets);
  if (!whole || offsets->items.size() != 2 || axes->items.size() > kMaxAxes) {
    refuse("is damaged: tensor ", quoted(name), " does not have a dtype, a shape and two offsets of bytes");
  }
  const auto *type = std::find_if(std::begin(kDTypes), std::end(kDTypes),
                                  [&](const DType &known) { return dtype->text == known.name; });
  if (type == std::end(kDTypes)) {
    refuse("has tensor ", quoted(name), " of type ", quoted(dtype->text), ", which is none of F32, F64, I32, I64, U8");
  }
  Tensor out;
  out.dtype = dtype->text;
  out.count = 1;
  bool fits = true;
  for (const Json &axis : axes->items) {
    out.shape.push_back(axis.integer);
    fits = !__builtin_mul_overflow(out.count, axis.integer, &out.count) && fits;
  }
  int64_t bytes = 0;
  fits = !__builtin_mul_overflow(out.count, type->size, &bytes) && fits;
  *begin = offsets->items[0].integer;
  *end = offsets->items[1].integer;
  if (!fits || *begin > *end || *end - *begin != bytes) {
    refuse("is damaged: tensor ", quoted(name), " of type ", out.dtype, " and shape ", shape(out.shape),
           " lies in bytes ", *begin, " to ", *end);
  }
  if (*end > file_.size() - start) {
    refuse("is truncated: tensor ", quoted(name), " ends at byte ", *end, " of ", file_.size() - start);
  }
  if ((start + *begin) % type->size != 0) {
    refuse("has tensor ", quoted(name), " at byte ", start + *begin, ", where it can not be read in place");
  }
  out.data = file_.data() + start + *begin;
  return out;
}

const Tensor *TensorFile::find(const std::string &name) const {
  const auto at = tensors_.find(name);
  return at == tensors_.end() ? nullptr : &at->second;
}

}  // namespace attnrec
