// The tensors of a safetensors file, where they lie and what they are: nothing of it is believed before it is checked.
// Model: knows no estimator.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "json.h"
#include "mapped_file.h"

namespace attnrec {

struct Tensor {
  std::string dtype;  // "F32"
  std::vector<int64_t> shape;
  int64_t count = 0;  // elements
  const unsigned char *data = nullptr;
};

std::string shape(const std::vector<int64_t> &x);
// A name or text of a file as a message may show it: short, in quotes, without control characters.
std::string quoted(const std::string &text);

// A whole file: every byte belongs to the header or to one tensor. Throws Invalid, which names file, tensor and fix.
class TensorFile {
 public:
  explicit TensorFile(const char *path);
  // Throws Invalid for what the file holds, or lacks.
  template <class... Parts>
  [[noreturn]] void refuse(const Parts &...parts) const;
  const std::string &path() const { return path_; }  // in quotes
  int64_t bytes() const { return file_.size(); }
  const Tensor *find(const std::string &name) const;
  const Json *metadata(const char *name) const { return metadata_.find(name); }

 private:
  void read(const Json &table, int64_t start);
  Tensor read(const std::string &name, const Json &entry, int64_t start, int64_t *begin, int64_t *end) const;

  std::string path_;
  MappedFile file_;
  Json metadata_;
  std::map<std::string, Tensor> tensors_;
};

}  // namespace attnrec

#include "../checks/check.h"

namespace attnrec {

template <class... Parts>
void TensorFile::refuse(const Parts &...parts) const {
  fail("model_open: ", path_, " ", parts...,
       ". Fit the model again and save it, or take the file from where it was written");
}

}  // namespace attnrec
