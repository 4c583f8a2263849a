// Takes a model file apart; everything is checked against what the estimator expects. Model: knows no estimator.
#include "model_file.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace attnrec {
namespace {

constexpr int64_t kFormat = 1;
constexpr int64_t kMaxExtent = INT32_MAX - 64;  // ids are 32 bits inside
constexpr int64_t kMaxEmpty = 1 << 24;          // columns that no byte of the file stands for

// Parameters that no estimator has any more: a file that names one holds facts by other names than are read here.
constexpr const char *kFormerParameters[] = {"side", "users",  "decay",        "own",    "same",         "joint",
                                             "bias", "joint2", "joint2_first", "noise2", "content_share"};

// indptr and indices of (rows, cols) with `entries` entries, checked; text of what is wrong, or "".
template <class Integer>
std::string flaw(const Integer *indptr, const Integer *indices, int64_t rows, int64_t cols, int64_t entries) {
  if (indptr[0] != 0) return "indptr does not start with 0";
  for (int64_t i = 0; i < rows; ++i) {
    if (indptr[i + 1] < indptr[i]) return "indptr decreases at row " + std::to_string(i);
  }
  if (indptr[rows] != entries) {
    return "indptr ends at " + std::to_string(indptr[rows]) + " of " + std::to_string(entries) + " entries";
  }
  for (int64_t i = 0; i < rows; ++i) {
    for (Integer p = indptr[i]; p < indptr[i + 1]; ++p) {
      if (indices[p] < 0 || indices[p] >= cols) return "row " + std::to_string(i) + " has a column past the last";
      if (p > indptr[i] && indices[p] <= indices[p - 1]) return "row " + std::to_string(i) + " is not sorted";
    }
  }
  return "";
}

template <class To, class From>
const To *as(const From *from, int64_t n, Buffer<To> &copy) {
  if constexpr (std::is_same_v<To, From>) return from;
  copy = Buffer<To>(n);
  for (int64_t i = 0; i < n; ++i) copy[i] = static_cast<To>(from[i]);
  return copy.get();
}

template <class Integer>
std::string read_rows(const Tensor &indptr, const Tensor &indices, int64_t rows, int64_t cols, StoredRows &out) {
  const auto *ends = reinterpret_cast<const Integer *>(indptr.data);
  const auto *columns = reinterpret_cast<const Integer *>(indices.data);
  std::string wrong = flaw(ends, columns, rows, cols, indices.count);
  if (!wrong.empty()) return wrong;
  out.csr = {as(ends, rows + 1, out.indptr), as(columns, indices.count, out.indices), nullptr, rows, cols};
  return wrong;
}

}  // namespace

ModelFile::ModelFile(const char *path, const Run &run, bool skip_finite)
    : tensors(path), run_(run), skip_finite_(skip_finite) {
  const Json *text = tensors.metadata("attnrec");
  if (text == nullptr || text->kind != Json::Kind::kString) tensors.refuse("holds tensors, but no model of attnrec");
  try {
    header_ = parse_json(text->text);
  } catch (const BadJson &error) {
    tensors.refuse("has a damaged description of the model, ", error.what());
  }
  const Json *format = header_.find("format");
  if (format == nullptr || format->kind != Json::Kind::kInteger || format->integer != kFormat) {
    tensors.refuse("has another model format than ", kFormat, ", which this version of attnrec reads");
  }
  const Json *name = header_.find("class");
  const auto is = [&](const char *part, Json::Kind kind) {
    const Json *found = header_.find(part);
    return found != nullptr && found->kind == kind;
  };
  const auto object = Json::Kind::kObject;
  if (!is("class", Json::Kind::kString) || !is("facts", object) || !is("shapes", object) || !is("params", object)) {
    tensors.refuse("has a damaged description of the model");
  }
  model = name->text;
  std::string former;
  for (const char *parameter : kFormerParameters) {
    if (header_.find("params")->find(parameter) != nullptr) former += (former.empty() ? "" : ", ") + quoted(parameter);
  }
  if (!former.empty()) {
    fail("model_open: ", tensors.path(), " holds parameters of another version of attnrec (", former, "), whose ",
         model, " this one does not read: fit the model and save it again with this version");
  }
}

const Json &ModelFile::fact(const char *name) const {
  const Json *found = header_.find("facts")->find(name);
  if (found == nullptr) tensors.refuse("does not say what ", name, " is");
  return *found;
}

double ModelFile::number(const char *name, double low) const {
  const Json &found = fact(name);
  if (found.kind != Json::Kind::kNumber || !std::isfinite(found.number) || found.number < low) {
    tensors.refuse("has a ", name, " that is no number of at least ", low);
  }
  return found.number;
}

int64_t ModelFile::integer(const char *name) const {
  const Json &found = fact(name);
  if (found.kind != Json::Kind::kInteger) tensors.refuse("has a ", name, " that is no whole number");
  return found.integer;
}

std::string ModelFile::word(const char *name, const std::vector<const char *> &choices) const {
  const Json &found = fact(name);
  for (const char *choice : choices) {
    if (found.kind == Json::Kind::kString && found.text == choice) return choice;
  }
  tensors.refuse("has a ", name, " of ", quoted(found.text), ", which attnrec does not know");
}

const Tensor &ModelFile::tensor(const std::string &name) const {
  const Tensor *found = tensors.find(name);
  if (found == nullptr) tensors.refuse("has no tensor ", quoted(name));
  return *found;
}

const Tensor &ModelFile::tensor(const std::string &name, const char *dtype, const std::vector<int64_t> &want) const {
  const Tensor &found = tensor(name);
  if (found.dtype != dtype || found.shape != want) {
    tensors.refuse("has tensor ", quoted(name), " of type ", found.dtype, " and shape ", shape(found.shape),
                   " instead of ", dtype, " and ", shape(want));
  }
  return found;
}

const float *ModelFile::floats(const std::string &name, const std::vector<int64_t> &want) const {
  const Tensor &found = tensor(name, "F32", want);
  const auto *data = reinterpret_cast<const float *>(found.data);
  const attnrec_matrix all{data, found.count, 1, 1, 1};  // in rows, which are shared out to threads
  if (!skip_finite_ && !std::isfinite(max_abs({&all, nullptr, nullptr}, run_))) {
    tensors.refuse("has tensor ", quoted(name), " with values that are not finite");
  }
  return data;
}

const double *ModelFile::doubles(const std::string &name, const std::vector<int64_t> &want) const {
  const Tensor &found = tensor(name, "F64", want);
  const auto *data = reinterpret_cast<const double *>(found.data);
  if (!skip_finite_ && !std::all_of(data, data + found.count, [](double v) { return std::isfinite(v); })) {
    tensors.refuse("has tensor ", quoted(name), " with values that are not finite");
  }
  return data;
}

attnrec_matrix ModelFile::matrix(const std::string &name, int64_t rows, int64_t cols) const {
  return {floats(name, {rows, cols}), rows, cols, cols, 1};
}

int64_t ModelFile::last_axis(const char *name) const {
  const Tensor &found = tensor(name);
  if (found.shape.size() != 2 || found.shape[1] < 1 || found.shape[1] > kMaxExtent) {
    tensors.refuse("has tensor ", quoted(name), " of shape ", shape(found.shape), " instead of a matrix");
  }
  return found.shape[1];
}

StoredRows ModelFile::rows(const std::string &name) const {
  const Json *found = header_.find("shapes")->find(name);
  const auto extent = [](const Json &x) {
    return x.kind == Json::Kind::kInteger && x.integer >= 1 && x.integer <= kMaxExtent;
  };
  const bool fine = found != nullptr && found->items.size() == 2 && extent(found->items[0]) && extent(found->items[1]);
  if (!fine) tensors.refuse("has no shape of ", quoted(name), " with axes of 1 to ", kMaxExtent);
  const int64_t n_rows = found->items[0].integer;
  const int64_t n_cols = found->items[1].integer;
  if (n_cols > std::max(kMaxEmpty, tensors.bytes())) {  // of every user's scores
    tensors.refuse("is damaged: its ", quoted(name), " would have ", n_cols, " columns, and it has ", tensors.bytes(),
                   " bytes");
  }
  const Tensor &indptr = tensor(name + ".indptr");
  const Tensor &indices = tensor(name + ".indices");
  const bool vectors = indptr.shape == std::vector<int64_t>{n_rows + 1} && indices.shape.size() == 1;
  const bool integers = indptr.dtype == indices.dtype && (indptr.dtype == "I32" || indptr.dtype == "I64");
  if (!vectors || !integers) {
    tensors.refuse("has tensors ", quoted(name + ".indptr"), " of ", indptr.dtype, " ", shape(indptr.shape), " and ",
                   quoted(name + ".indices"), " of ", indices.dtype, " ", shape(indices.shape), ", which do not fit ",
                   shape({n_rows, n_cols}));
  }
  StoredRows out;
  const auto read = indptr.dtype == "I32" ? read_rows<int32_t> : read_rows<int64_t>;
  const std::string wrong = read(indptr, indices, n_rows, n_cols, out);
  if (!wrong.empty()) tensors.refuse("has damaged rows ", quoted(name), ": ", wrong);
  out.csr.data = floats(name + ".data", {indices.count});
  return out;
}

StoredRows ModelFile::rows(const std::string &name, int64_t n_rows, int64_t n_cols) const {
  StoredRows out = rows(name);
  if (out.csr.rows != n_rows || out.csr.cols != n_cols) {
    tensors.refuse("has rows ", quoted(name), " of shape ", shape({out.csr.rows, out.csr.cols}), " instead of ",
                   shape({n_rows, n_cols}));
  }
  return out;
}

}  // namespace attnrec
