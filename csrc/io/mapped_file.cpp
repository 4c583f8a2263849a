// Maps a file to be read; POSIX only. Core: no Python, no ops.
#include "mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace attnrec {
namespace {

[[noreturn]] void stop(int error) { throw std::system_error(error, std::generic_category()); }

struct Descriptor {
  int number;
  ~Descriptor() { close(number); }
};

}  // namespace

MappedFile::MappedFile(const char *path) {
  const int number = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);  // of a pipe nobody writes to, it would not return
  if (number < 0) stop(errno);
  const Descriptor file{number};
  struct stat found{};
  if (fstat(file.number, &found) != 0) stop(errno);
  if (S_ISDIR(found.st_mode)) stop(EISDIR);
  if (!S_ISREG(found.st_mode)) stop(ENOTSUP);
  size_ = found.st_size;
  if (size_ == 0) return;
  void *data = mmap(nullptr, static_cast<std::size_t>(size_), PROT_READ, MAP_SHARED, file.number, 0);
  if (data == MAP_FAILED) stop(errno);
  data_ = static_cast<const unsigned char *>(data);
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) munmap(const_cast<unsigned char *>(data_), static_cast<std::size_t>(size_));
}

}  // namespace attnrec
