#include "core/row_index.h"

namespace jc {
namespace {

struct Text {
  char bytes[160];
  int length = 0;

  void add(const char* s) {
    while (*s != 0 && length < static_cast<int>(sizeof(bytes)) - 1) bytes[length++] = *s++;
    bytes[length] = 0;
  }

  void add(int64_t value) {
    char digits[24];
    int at = sizeof(digits) - 1;
    digits[at] = 0;
    uint64_t rest = value < 0 ? -static_cast<uint64_t>(value) : static_cast<uint64_t>(value);
    do {
      digits[--at] = static_cast<char>('0' + rest % 10);
      rest /= 10;
    } while (rest != 0);
    if (value < 0) digits[--at] = '-';
    add(digits + at);
  }
};

}  // namespace

int32_t check_row_index(jc_context* context, const char* op, const char* name, const int32_t* index, int64_t n,
                        int64_t limit) {
  for (int64_t i = 0; i < n; ++i) {
    if (index[i] >= 0 && index[i] < limit) continue;
    Text text;
    text.add(name);
    text.add("[");
    text.add(i);
    text.add("] = ");
    text.add(int64_t{index[i]});
    text.add(" not in [0, ");
    text.add(limit);
    text.add(")");
    return invalid(context, op, text.bytes);
  }
  return JC_OK;
}

}  // namespace jc
