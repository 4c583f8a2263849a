// A file mapped into memory to be read: one copy for all processes that map it. Core: no Python, no ops.
#pragma once
#include <cstdint>
#include <utility>

namespace attnrec {

// Whoever replaces the file has to move another one into its place: writing into it changes what is read here, and
// cutting it short ends the process at the next touch.
class MappedFile {
 public:
  explicit MappedFile(const char *path);  // throws std::system_error
  MappedFile(MappedFile &&other) noexcept
      : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  MappedFile(const MappedFile &) = delete;
  ~MappedFile();
  const unsigned char *data() const { return data_; }  // null for an empty file; else on a page of its own
  int64_t size() const { return size_; }

 private:
  const unsigned char *data_ = nullptr;
  int64_t size_ = 0;
};

}  // namespace attnrec
