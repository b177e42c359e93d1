// Contract test of resample: every instruction set present against the formula in 64-bit integers, bit for bit; no
// tolerance. Sources end exactly where the contract lets the operator stop reading, outputs lie between red zones and
// are poisoned; built with JCLIP_SANITIZE an access outside is caught as well.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <vector>

#include "jclip.h"

namespace {

constexpr int64_t kSlack = 16;
constexpr int64_t kZone = 64;
int failures = 0;

uint64_t state = 88172645463325252ull;
uint32_t next(uint32_t below) {
  state ^= state << 13, state ^= state >> 7, state ^= state << 17;
  return static_cast<uint32_t>(state >> 33) % below;
}

struct Windows {
  std::vector<int32_t> first, size, weights;
  int64_t taps;
};

// Any windows inside [0, in): the operator does not know where weights come from.
Windows windows(int64_t in, int64_t out) {
  Windows w;
  w.taps = 1 + next(static_cast<uint32_t>(in < 40 ? in : 40));
  for (int64_t i = 0; i < out; ++i) {
    int32_t size = 1 + static_cast<int32_t>(next(static_cast<uint32_t>(w.taps)));
    w.size.push_back(size);
    w.first.push_back(static_cast<int32_t>(next(static_cast<uint32_t>(in - size + 1))));
    int32_t rest = 1 << 22;  // weights add up to one, as Pillow's do, some negative
    for (int64_t j = 0; j < w.taps; ++j) {
      int32_t k = j + 1 == size ? rest : static_cast<int32_t>(next(1 << 21)) - (1 << 18);
      rest -= k;
      w.weights.push_back(j < size ? k : 0x5a5a5a5a);  // behind a window: must not count
    }
  }
  return w;
}

uint8_t clip(int64_t sum) {
  int64_t value = static_cast<int32_t>(static_cast<uint32_t>(sum + (1 << 21))) >> 22;
  return static_cast<uint8_t>(value < 0 ? 0 : value > 255 ? 255 : value);
}

std::vector<uint8_t> expected(const jc_resample_args& a) {
  std::vector<uint8_t> part(a.x_rows * a.columns * a.channels), out(a.rows * a.columns * a.channels);
  for (int64_t r = 0; r < a.x_rows; ++r)
    for (int64_t i = 0; i < a.columns; ++i)
      for (int64_t c = 0; c < a.channels; ++c) {
        int64_t sum = 0;
        for (int64_t j = 0; j < a.column_size[i]; ++j)
          sum += int64_t{a.column_weights[i * a.column_taps + j]} *
                 a.x[r * a.x_row + (a.column_first[i] + j) * a.channels + c];
        part[(r * a.columns + i) * a.channels + c] = clip(sum);
      }
  int64_t row = a.columns * a.channels;
  for (int64_t r = 0; r < a.rows; ++r)
    for (int64_t i = 0; i < row; ++i) {
      int64_t sum = 0;
      for (int64_t j = 0; j < a.row_size[r]; ++j)
        sum += int64_t{a.row_weights[r * a.row_taps + j]} * part[(a.row_first[r] + j) * row + i];
      out[r * row + i] = clip(sum);
    }
  return out;
}

template <class T>
class Zoned {
 public:
  explicit Zoned(int64_t count) : memory_(count + 2 * kZone) {
    memset(memory_.data(), 0xcd, memory_.size() * sizeof(T));
  }
  T* data() { return memory_.data() + kZone; }
  bool intact() const {
    for (int64_t i = 0; i < kZone; ++i) {
      if (!untouched(memory_[i]) || !untouched(memory_[memory_.size() - 1 - i])) return false;
    }
    return true;
  }
  static bool untouched(const T& value) {
    const auto* bytes = reinterpret_cast<const uint8_t*>(&value);
    for (size_t i = 0; i < sizeof(T); ++i) {
      if (bytes[i] != 0xcd) return false;
    }
    return true;
  }

 private:
  std::vector<T> memory_;
};

void fail(int64_t isa, const jc_resample_args& a, const char* what) {
  if (++failures <= 20) {
    printf("FAILED isa %lld, %lld channels, %lldx%lld to %lldx%lld: %s\n", static_cast<long long>(isa),
           static_cast<long long>(a.channels), static_cast<long long>(a.x_columns), static_cast<long long>(a.x_rows),
           static_cast<long long>(a.columns), static_cast<long long>(a.rows), what);
  }
}

void run(jc_context* context, jc_resample_args a) {
  std::vector<uint8_t> wanted = expected(a);
  Zoned<uint8_t> y(a.rows * a.columns * a.channels);
  int64_t tensor_row = a.columns + 3, tensor_channel = a.rows * tensor_row + 5;
  Zoned<float> tensor(3 * tensor_channel);
  std::vector<float> table(768);
  for (int i = 0; i < 768; ++i) table[i] = static_cast<float>(i);
  a.y = y.data();
  bool with_tensor = a.channels == 1 || a.channels == 3;
  if (with_tensor) {
    a.table = table.data(), a.tensor = tensor.data();
    a.tensor_row = tensor_row, a.tensor_channel = tensor_channel;
  }
  a.workspace_bytes = jc_resample_workspace(context, &a);
  a.workspace = aligned_alloc(64, static_cast<size_t>((a.workspace_bytes + 63) / 64 * 64));
  memset(a.workspace, 0xff, static_cast<size_t>(a.workspace_bytes));
  for (int twice = 0; twice < 2; ++twice) {  // the second time on what the first has left
    if (jc_resample(context, &a) != JC_OK) fail(context->isa, a, context->message);
    if (memcmp(y.data(), wanted.data(), wanted.size()) != 0) fail(context->isa, a, "bytes");
  }
  if (!y.intact() || !tensor.intact()) fail(context->isa, a, "wrote into a red zone");
  for (int64_t i = 0; with_tensor && i < 3 * tensor_channel; ++i) {
    int64_t c = i / tensor_channel, r = i % tensor_channel / tensor_row, x = i % tensor_channel % tensor_row;
    if (r >= a.rows || x >= a.columns) {
      if (!Zoned<float>::untouched(tensor.data()[i])) fail(context->isa, a, "wrote between the rows of the tensor");
    } else if (tensor.data()[i] !=
               static_cast<float>(256 * c + wanted[(r * a.columns + x) * a.channels + (a.channels == 3 ? c : 0)])) {
      fail(context->isa, a, "tensor");
    }
  }
  a.workspace_bytes -= 1;
  if (jc_resample(context, &a) != JC_INVALID) fail(context->isa, a, "took a workspace that is too small");
  free(a.workspace);
}

}  // namespace

int main() {
  static jc_context context;
  for (int64_t isa = JC_REF; isa <= jc_isa(); ++isa) {
    context.isa = isa;
    for (int round = 0; round < 300; ++round) {
      jc_resample_args a{};
      a.channels = 1 + round % 4;
      a.x_rows = 1 + next(40), a.x_columns = 1 + next(60);
      a.rows = 1 + next(20), a.columns = 1 + next(45);
      a.x_row = a.x_columns * a.channels + (round % 3) * 5;
      int64_t bytes = (a.x_rows - 1) * a.x_row + a.x_columns * a.channels + kSlack;
      auto* x = static_cast<uint8_t*>(malloc(static_cast<size_t>(bytes)));  // exact, so that a sanitizer sees more
      for (int64_t i = 0; i < bytes; ++i) x[i] = static_cast<uint8_t>(round % 2 == 0 ? next(256) : next(2) * 255);
      Windows rows = windows(a.x_rows, a.rows), columns = windows(a.x_columns, a.columns);
      a.x = x;
      a.row_first = rows.first.data(), a.row_size = rows.size.data(), a.row_weights = rows.weights.data(),
      a.row_taps = rows.taps;
      a.column_first = columns.first.data(), a.column_size = columns.size.data(),
      a.column_weights = columns.weights.data();
      a.column_taps = columns.taps;
      run(&context, a);
      columns.size[0] = static_cast<int32_t>(a.x_columns) + 1;
      if (jc_resample(&context, &a) != JC_INVALID) fail(isa, a, "took a window outside the source");
      free(x);
    }
    printf("resample isa %lld: 300 cases\n", static_cast<long long>(isa));
  }
  if (failures != 0) printf("%d failures\n", failures);
  return failures == 0 ? 0 : 1;
}
