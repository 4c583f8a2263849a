// A strict parser of JSON, bounded in depth and in values. Model: knows no file.
#include "json.h"

#include <algorithm>
#include <limits>
#include <locale>
#include <sstream>

namespace attnrec {
namespace {

constexpr int kMaxDepth = 16;
constexpr int64_t kMaxValues = 1 << 20;  // an encoder's words are among them

void append_utf8(uint32_t code, std::string &out) {
  const auto push = [&](uint32_t byte) { out.push_back(static_cast<char>(byte)); };
  if (code < 0x80) {
    push(code);
  } else if (code < 0x800) {
    push(0xC0U | code >> 6);
    push(0x80U | (code & 0x3FU));
  } else if (code < 0x10000) {
    push(0xE0U | code >> 12);
    push(0x80U | (code >> 6 & 0x3FU));
    push(0x80U | (code & 0x3FU));
  } else {
    push(0xF0U | code >> 18);
    push(0x80U | (code >> 12 & 0x3FU));
    push(0x80U | (code >> 6 & 0x3FU));
    push(0x80U | (code & 0x3FU));
  }
}

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Json whole() {
    Json out = value(0);
    space();
    if (at_ != text_.size()) stop("there is more after the value");
    return out;
  }

 private:
  [[noreturn]] void stop(const char *what) const { throw BadJson("at byte " + std::to_string(at_) + " " + what); }
  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  bool digit() const { return peek() >= '0' && peek() <= '9'; }
  void space() {
    while (peek() == ' ' || peek() == '\t' || peek() == '\n' || peek() == '\r') ++at_;
  }
  bool take(char c) {
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  void word(std::string_view expected) {
    if (text_.substr(at_, expected.size()) != expected) stop("there is no value");
    at_ += expected.size();
  }

  Json value(int depth) {
    if (depth > kMaxDepth) stop("it is nested too deep");
    if (++values_ > kMaxValues) stop("it holds too many values");
    space();
    Json out;
    switch (peek()) {
      case '{':
        object(depth, out);
        break;
      case '[':
        array(depth, out);
        break;
      case '"':
        out.kind = Json::Kind::kString;
        out.text = string();
        break;
      case 't':
      case 'f':
        out.kind = Json::Kind::kBool;
        out.truth = peek() == 't';
        word(out.truth ? "true" : "false");
        break;
      case 'n':
        word("null");
        break;
      default:
        number(out);
    }
    return out;
  }

  void object(int depth, Json &out) {
    out.kind = Json::Kind::kObject;
    ++at_;
    space();
    if (take('}')) return;
    do {
      space();
      if (peek() != '"') stop("there is no name");
      std::string name = string();
      space();
      if (!take(':')) stop("a ':' is missing");
      out.members.push_back({std::move(name), value(depth + 1)});
      space();
    } while (take(','));
    if (!take('}')) stop("a ',' or '}' is missing");
    const auto before = [](const JsonMember &a, const JsonMember &b) { return a.name < b.name; };
    std::sort(out.members.begin(), out.members.end(), before);
    const auto same = [](const JsonMember &a, const JsonMember &b) { return a.name == b.name; };
    if (std::adjacent_find(out.members.begin(), out.members.end(), same) != out.members.end()) {
      stop("an object ends that has a name twice");
    }
  }

  void array(int depth, Json &out) {
    out.kind = Json::Kind::kArray;
    ++at_;
    space();
    if (take(']')) return;
    do {
      out.items.push_back(value(depth + 1));
      space();
    } while (take(','));
    if (!take(']')) stop("a ',' or ']' is missing");
  }

  std::string string() {
    std::string out;
    ++at_;
    while (!take('"')) {
      if (at_ >= text_.size()) stop("a string does not end");
      if (static_cast<unsigned char>(text_[at_]) < 0x20) stop("a string holds a control character");
      if (text_[at_] == '\\') {
        ++at_;
        escaped(out);
        continue;
      }
      const std::size_t length = utf8_length(text_.substr(at_));
      if (length == 0) stop("a string is not UTF-8");
      out.append(text_.substr(at_, length));
      at_ += length;
    }
    return out;
  }

  void escaped(std::string &out) {
    constexpr std::string_view letters = "\"\\/bfnrt";
    constexpr std::string_view meant = "\"\\/\b\f\n\r\t";
    if (take('u')) {
      uint32_t code = unit();
      if (code >= 0xD800 && code < 0xDC00) {
        if (!take('\\') || !take('u')) stop("half of a surrogate pair stands alone");
        const uint32_t low = unit();
        if (low < 0xDC00 || low >= 0xE000) stop("half of a surrogate pair stands alone");
        code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
      } else if (code >= 0xDC00 && code < 0xE000) {
        stop("half of a surrogate pair stands alone");
      }
      append_utf8(code, out);
      return;
    }
    const std::size_t which = at_ < text_.size() ? letters.find(text_[at_]) : std::string_view::npos;
    if (which == std::string_view::npos) stop("there is no such escape");
    out.push_back(meant[which]);
    ++at_;
  }

  uint32_t unit() {
    uint32_t out = 0;
    for (int i = 0; i < 4; ++i, ++at_) {
      const char c = peek();
      uint32_t digit = 0;
      if (c >= '0' && c <= '9') {
        digit = static_cast<uint32_t>(c - '0');
      } else if ((c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F')) {
        digit = static_cast<uint32_t>((c | 0x20) - 'a') + 10;
      } else {
        stop("\\u wants four hexadecimal digits");
      }
      out = out << 4 | digit;
    }
    return out;
  }

  void digits() {
    if (!digit()) stop("there is no value");
    while (digit()) ++at_;
  }

  void number(Json &out) {
    const std::size_t first = at_;
    bool whole = true;
    take('-');
    if (!take('0')) digits();
    if (take('.')) {
      whole = false;
      digits();
    }
    if (peek() == 'e' || peek() == 'E') {
      whole = false;
      ++at_;
      if (!take('+')) take('-');
      digits();
    }
    const std::string_view token = text_.substr(first, at_ - first);
    if (whole && integer(token, out)) return;
    out.kind = Json::Kind::kNumber;
    std::istringstream in{std::string(token)};
    in.imbue(std::locale::classic());  // strtod would go by the program's
    if (!(in >> out.number)) stop("a number is too large");
  }

  static bool integer(std::string_view token, Json &out) {
    const bool negative = token.front() == '-';
    int64_t sum = 0;
    for (const char c : token.substr(negative ? 1 : 0)) {  // downwards, where there is one more
      if (__builtin_mul_overflow(sum, 10, &sum) || __builtin_sub_overflow(sum, c - '0', &sum)) return false;
    }
    if (!negative && sum == std::numeric_limits<int64_t>::min()) return false;
    out.kind = Json::Kind::kInteger;
    out.integer = negative ? sum : -sum;
    return true;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  int64_t values_ = 0;
};

}  // namespace

const Json *Json::find(std::string_view name) const {
  const auto before = [](const JsonMember &member, std::string_view wanted) { return member.name < wanted; };
  const auto at = std::lower_bound(members.begin(), members.end(), name, before);
  return at != members.end() && at->name == name ? &at->value : nullptr;
}

std::size_t utf8_length(std::string_view x, bool surrogates) {
  const auto byte = [&](std::size_t i) { return i < x.size() ? static_cast<unsigned char>(x[i]) : 0U; };
  const auto more = [&](std::size_t n) {
    for (std::size_t i = 1; i < n; ++i) {
      if ((byte(i) & 0xC0U) != 0x80U) return false;
    }
    return true;
  };
  const unsigned first = byte(0);
  const unsigned second = byte(1);
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first < 0xE0) return more(2) ? 2 : 0;
  if (first >= 0xE0 && first < 0xF0) {
    const bool odd = (first == 0xE0 && second < 0xA0) || (first == 0xED && second >= 0xA0 && !surrogates);
    return more(3) && !odd ? 3 : 0;
  }
  if (first >= 0xF0 && first < 0xF5) {
    const bool odd = (first == 0xF0 && second < 0x90) || (first == 0xF4 && second >= 0x90);
    return more(4) && !odd ? 4 : 0;
  }
  return 0;
}

Json parse_json(std::string_view text) { return Parser(text).whole(); }

}  // namespace attnrec
