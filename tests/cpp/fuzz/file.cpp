// Stands in for io/mapped_file.cpp: memory that is exactly as long as the file, so that a read past its end is seen,
// where a mapped page would go on. Fuzzing.
#include "file.h"

#include <cstring>
#include <new>

#include "io/mapped_file.h"

namespace attnrec_fuzz {

std::vector<uint8_t> &the_file() {
  static std::vector<uint8_t> bytes;
  return bytes;
}

}  // namespace attnrec_fuzz

namespace attnrec {
namespace {
constexpr std::align_val_t kAlign{64};  // of the sections of an index, which a page gives too
}

MappedFile::MappedFile(const char *) {
  const auto &bytes = attnrec_fuzz::the_file();
  size_ = static_cast<int64_t>(bytes.size());
  if (size_ == 0) return;
  auto *data = static_cast<unsigned char *>(::operator new(bytes.size(), kAlign));
  std::memcpy(data, bytes.data(), bytes.size());
  data_ = data;
}

MappedFile::~MappedFile() { ::operator delete(const_cast<unsigned char *>(data_), kAlign); }

}  // namespace attnrec
