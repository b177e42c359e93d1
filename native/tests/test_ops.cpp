// Contract test of attention, layer_norm, embedding, gather_rows, activation, batch_norm, avg_pool,
// attention_pool_tokens, l2_normalize and logits: every instruction set present, against double precision with derived
// bounds (u = 2^-24: a sum of n terms in any order loses at most n u of the sum of magnitudes), and byte for byte
// against itself: alone and in a batch, packed and dense, whatever the number of threads.
//
// Buffers lie between red zones and outputs and workspaces start as NaN. Each comparison is made twice: the second time
// with one element moved by three bounds, and at least to the next float, which it must notice.
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <algorithm>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "jclip.h"

namespace {

const char* const kNames[] = {"ref", "avx2", "avx512"};
constexpr double kUnit = 1.0 / (1 << 24);
constexpr int64_t kZone = 64;
constexpr int64_t kThreads[] = {1, 2, 3, 7};

int failures = 0;
jc_context context;
std::map<std::string, double> worst;  // of each operator: the largest error as a share of its bound

void fail(const std::string& what) {
  if (++failures <= 30) printf("FAILED %s: %s\n", kNames[context.isa], what.c_str());
}

void expect(bool condition, const std::string& what) {
  if (!condition) fail(what);
}

uint64_t state = 88172645463325252ull;
float next() {  // in [-1, 1)
  state ^= state << 13, state ^= state >> 7, state ^= state << 17;
  return static_cast<float>(static_cast<double>(static_cast<int64_t>(state)) * 0x1p-63);
}

// What the numbers of an input are like.
enum Kind { kPlain, kLarge, kTiny, kSame, kOffset, kKinds };
const char* const kKindNames[] = {"plain", "1e4", "denormals and zeros", "identical rows", "mean 1000"};

float number(Kind kind, int64_t i, int64_t width) {
  switch (kind) {
    case kLarge:
      return 1e4f * next();
    case kTiny:
      return i % 3 == 0 ? -0.0f : i % 3 == 1 ? 1e-40f * next() : 1e-3f * next();
    case kSame:
      return static_cast<float>((i % width) % 7) * 0.3f - 0.7f;
    case kOffset:
      return 1000.0f + next();
    default:
      return next();
  }
}

// Floats between two red zones, at an address aligned to 64 bytes; NaN until filled.
class Buffer {
 public:
  explicit Buffer(int64_t count) : count_(count) {
    size_t bytes = static_cast<size_t>((count + 2 * kZone) * 4 + 63) / 64 * 64;
    memory_ = static_cast<float*>(aligned_alloc(64, bytes));
    memset(static_cast<void*>(memory_), 0xff, bytes);
  }
  Buffer(int64_t count, Kind kind, int64_t width, float factor = 1) : Buffer(count) {
    for (int64_t i = 0; i < count; ++i) at(i) = factor * number(kind, i, width);
  }
  Buffer(const Buffer& other) : Buffer(other.count_) { memcpy(data(), other.data(), static_cast<size_t>(count_) * 4); }
  Buffer& operator=(const Buffer&) = delete;
  ~Buffer() {
    for (int64_t i = 0; i < kZone; ++i) {
      if (!untouched(-1 - i) || !untouched(count_ + i)) {
        fail("wrote into a red zone");
        break;
      }
    }
    free(memory_);
  }
  float* data() const { return memory_ + kZone; }
  float& at(int64_t i) const { return memory_[kZone + i]; }
  int64_t count() const { return count_; }
  bool untouched(int64_t i) const {
    uint32_t bits;
    memcpy(&bits, memory_ + kZone + i, 4);
    return bits == 0xffffffffu;
  }
  bool all_untouched() const {
    for (int64_t i = 0; i < count_; ++i) {
      if (!untouched(i)) return false;
    }
    return true;
  }

 private:
  int64_t count_;
  float* memory_;
};

bool same_bits(const float* a, const float* b, int64_t n) { return memcmp(a, b, static_cast<size_t>(n) * 4) == 0; }

struct Truth {
  std::vector<double> value;
  std::vector<double> bound;
  void add(double v, double b) {
    value.push_back(v);
    bound.push_back(b + 1e-43);  // a few units of the smallest denormal
  }
};

// The largest error as a share of its bound; infinite where something is not finite.
double share(const float* y, const Truth& truth, int64_t moved) {
  double most = 0;
  for (size_t i = 0; i < truth.value.size(); ++i) {
    double found = y[i];
    if (static_cast<int64_t>(i) == moved)
      found = std::max<double>(found + 3 * truth.bound[i], nextafterf(y[i], INFINITY));
    double error = fabs(found - truth.value[i]);
    if (!(error <= 1e300)) return INFINITY;
    most = std::max(most, error / truth.bound[i]);
  }
  return most;
}

void compare(const std::string& op, const std::string& what, const float* y, const Truth& truth) {
  double most = share(y, truth, -1);
  worst[op] = std::max(worst[op], most);
  if (most > 1) fail(op + " " + what + ": error is " + std::to_string(most) + " of its bound");
  int64_t moved = static_cast<int64_t>(truth.value.size()) / 2;
  if (!truth.value.empty() && share(y, truth, moved) <= 1)
    fail(op + " " + what + ": the comparison does not notice a wrong element");
}

template <class Args>
bool run(int32_t (*op)(jc_context*, const Args*), const Args& a, const std::string& what) {
  int32_t status = op(&context, &a);
  if (status != JC_OK) fail(what + ": " + context.message);
  return status == JC_OK;
}

template <class Args>
void refuses(int32_t (*op)(jc_context*, const Args*), const Args& a, const std::string& message) {
  context.message[0] = 0;
  int32_t status = op(&context, &a);
  if (status != JC_INVALID) fail("accepts what it must refuse: " + message);
  if (strstr(context.message, message.c_str()) == nullptr)
    fail("says '" + std::string(context.message) + "', not '" + message + "'");
}

// run(y) under 1, 2, 3 and 7 threads must give the bits of the first.
void threads_agree(const std::string& what, int64_t count, const std::function<void(float*)>& run_into) {
  std::vector<float> first;
  for (int64_t threads : kThreads) {
    context.threads = threads;
    Buffer y(count);
    run_into(y.data());
    if (first.empty()) {
      first.assign(y.data(), y.data() + count);
    } else {
      expect(same_bits(first.data(), y.data(), count),
             what + ": other bits with " + std::to_string(threads) + " threads");
    }
  }
  context.threads = 1;
}

// ---- attention
// ---------------------------------------------------------------------------------------------------------------

struct Attention {
  int64_t sequences, q_tokens, kv_tokens, heads, head_dim, causal;
  int64_t padding = 0;  // of every row stride
  int64_t rows = -1;    // of y; -1: those of the sequences
  std::vector<int32_t> table = {};
  int64_t live = -1;

  int64_t width() const { return heads * head_dim; }
  int64_t ld() const { return width() + padding; }
  std::string name() const {
    return std::to_string(sequences) + " x " + std::to_string(q_tokens) + "/" + std::to_string(kv_tokens) +
           " tokens, " + std::to_string(heads) + " x " + std::to_string(head_dim) + (causal ? ", causal" : ", full") +
           (table.empty() ? "" : ", packed");
  }
  jc_attention_args args(const float* q, const float* k, const float* v, float* y) const {
    jc_attention_args a = {};
    a.q = q, a.k = k, a.v = v, a.y = y;
    a.table = table.empty() ? nullptr : table.data();
    a.live = live >= 0 ? &live : nullptr;
    a.sequences = sequences, a.q_tokens = q_tokens, a.kv_tokens = kv_tokens;
    a.rows = rows >= 0 ? rows : sequences * q_tokens;
    a.heads = heads, a.head_dim = head_dim;
    a.ldq = a.ldk = a.ldv = a.ldy = ld();
    a.causal = causal, a.scale = 1 / sqrt(static_cast<double>(head_dim));
    return a;
  }
  void run_into(const float* q, const float* k, const float* v, float* y) const {
    jc_attention_args a = args(q, k, v, y);
    a.workspace_bytes = jc_attention_workspace(&context, &a);
    Buffer workspace(a.workspace_bytes / 4);
    a.workspace = workspace.data();
    run(jc_attention, a, "attention " + name());
  }
};

// One query of one head, and what single precision may lose: the score's sum, the subtraction, the exponential (1.01
// ulp = 2.02 u), the two sums over the keys, the quotient.
void attention_truth(const float* q, const float* k, const float* v, int64_t ld, int64_t keys, int64_t head_dim,
                     double scale, Truth* truth) {
  std::vector<double> score(keys), rest(keys);
  double largest = -INFINITY;
  for (int64_t j = 0; j < keys; ++j) {
    double magnitude = 0;
    for (int64_t d = 0; d < head_dim; ++d) {
      score[j] += static_cast<double>(q[d]) * k[j * ld + d];
      magnitude += fabs(static_cast<double>(q[d]) * k[j * ld + d]);
    }
    score[j] *= scale;
    rest[j] = static_cast<double>(head_dim + 2) * kUnit * scale * magnitude;
    largest = std::max(largest, score[j]);
  }
  double sum = 0, sum_rest = 0;
  for (int64_t j = 0; j < keys; ++j) {
    // exp(d) - 1 < 1.1 d only while d is small: saturated rows of large numbers have large d.
    double d = rest[j] + fabs(score[j] - largest) * kUnit;
    rest[j] = expm1(2 * d) + 2.1 * kUnit;
    score[j] = exp(score[j] - largest);
    sum += score[j];
    sum_rest += score[j] * rest[j];
  }
  double chain = static_cast<double>(keys) * kUnit;
  for (int64_t c = 0; c < head_dim; ++c) {
    double value = 0, lost = 0, magnitude = 0;
    for (int64_t j = 0; j < keys; ++j) {
      value += score[j] * v[j * ld + c];
      magnitude += score[j] * fabs(v[j * ld + c]);
      lost += score[j] * fabs(v[j * ld + c]) * (rest[j] + chain);
    }
    double relative = sum_rest / sum + chain + 3 * kUnit;
    truth->add(value / sum, 1.01 * (lost + magnitude * relative) / sum + magnitude / sum * 1e-37);
  }
}

void test_attention_values(const Attention& t, Kind kind) {
  int64_t ld = t.ld();
  int64_t q_rows = t.sequences * t.q_tokens, kv_rows = t.sequences * t.kv_tokens;
  // Scores of plain numbers lie in +-1; with factor 6 the softmax has some that count and some that do not.
  Buffer q(q_rows * ld, kind, ld, 6), k(kv_rows * ld, kind, ld, kind == kLarge ? 1e-2f : 1), v(kv_rows * ld, kind, ld);
  Buffer y(q_rows * ld);
  t.run_into(q.data(), k.data(), v.data(), y.data());
  for (int64_t row = 0; row < q_rows; ++row) {
    int64_t s = row / t.q_tokens, i = row % t.q_tokens;
    int64_t keys = t.causal ? t.kv_tokens - t.q_tokens + i + 1 : t.kv_tokens;
    Truth truth;
    for (int64_t h = 0; h < t.heads; ++h) {
      int64_t at = s * t.kv_tokens * ld + h * t.head_dim;
      attention_truth(q.data() + row * ld + h * t.head_dim, k.data() + at, v.data() + at, ld, keys, t.head_dim,
                      1 / sqrt(static_cast<double>(t.head_dim)), &truth);
    }
    compare("attention", t.name() + ", " + kKindNames[kind], y.data() + row * ld, truth);
    for (int64_t c = t.width(); c < ld; ++c) expect(y.untouched(row * ld + c), "attention writes beyond the row");
  }
}

// The bits of a sequence: alone, in a batch, packed, cut, by its last query alone, under several threads.
void test_attention_bits(int64_t tokens, int64_t heads, int64_t head_dim, int64_t causal) {
  Attention batch = {5, tokens, tokens, heads, head_dim, causal};
  int64_t ld = batch.ld(), rows = 5 * tokens;
  Buffer q(rows * ld, kPlain, ld, 5), k(rows * ld, kPlain, ld), v(rows * ld, kPlain, ld), y(rows * ld);
  batch.run_into(q.data(), k.data(), v.data(), y.data());
  std::string what = "attention bits, " + batch.name();
  threads_agree(what, rows * ld, [&](float* out) {
    batch.run_into(q.data(), k.data(), v.data(), out);
    expect(same_bits(out, y.data(), rows * ld), what + ": other bits than before");
  });
  Attention one = {1, tokens, tokens, heads, head_dim, causal};
  for (int64_t s = 0; s < 5; ++s) {
    int64_t at = s * tokens * ld;
    Buffer alone(tokens * ld);
    one.run_into(q.data() + at, k.data() + at, v.data() + at, alone.data());
    expect(same_bits(alone.data(), y.data() + at, tokens * ld), what + ": alone differs from batch");
    Attention last = {1, 1, tokens, heads, head_dim, causal};
    Buffer pooled(ld);
    int64_t row = causal ? tokens - 1 : 0;
    last.run_into(q.data() + at + row * ld, k.data() + at, v.data() + at, pooled.data());
    expect(same_bits(pooled.data(), y.data() + at + row * ld, ld), what + ": one query alone differs");
    if (tokens > 2) {  // the last third of the queries, bottom-right aligned
      int64_t count = std::max<int64_t>(1, tokens / 3), skip = tokens - count;
      Attention some = {1, count, tokens, heads, head_dim, causal};
      Buffer part(count * ld);
      some.run_into(q.data() + at + skip * ld, k.data() + at, v.data() + at, part.data());
      expect(same_bits(part.data(), y.data() + at + skip * ld, count * ld), what + ": some queries alone differ");
    }
  }
  if (!causal) return;
  // Each sequence cut at a length of its own and packed; what was cut off is NaN, so that nobody reads it.
  Attention packed = {5, tokens, tokens, heads, head_dim, 1};
  packed.rows = rows;
  packed.live = 4;
  std::vector<int64_t> from;
  Buffer pq(rows * ld), pk(rows * ld), pv(rows * ld), py(rows * ld);
  int32_t at = 0;
  for (int64_t s = 0; s < 5; ++s) {
    int32_t length = static_cast<int32_t>(1 + (s * 31 + 7) % tokens);
    packed.table.insert(packed.table.end(), {at, length, at, length});
    if (s == 4) break;  // not live
    for (int64_t i = 0; i < length * ld; ++i) {
      pq.at(at * ld + i) = q.at(s * tokens * ld + i);
      pk.at(at * ld + i) = k.at(s * tokens * ld + i);
      pv.at(at * ld + i) = v.at(s * tokens * ld + i);
    }
    for (int64_t i = 0; i < length; ++i) from.push_back(s * tokens + i);
    at += length;
  }
  packed.run_into(pq.data(), pk.data(), pv.data(), py.data());
  for (int64_t row = 0; row < rows; ++row) {
    if (row < at) {
      expect(same_bits(py.data() + row * ld, y.data() + from[row] * ld, ld), what + ": packed differs from dense");
    } else {
      for (int64_t c = 0; c < ld; ++c) expect(py.at(row * ld + c) == 0, what + ": a row of no sequence is not zero");
    }
  }
}

void test_attention_table() {
  // Sequences out of order, with gaps before, between and behind.
  Attention t = {3, 4, 9, 2, 16, 0};
  t.rows = 20;
  t.table = {12, 3, 0, 9, 2, 4, 9, 5, 7, 1, 3, 2};
  int64_t ld = t.ld();
  Buffer q(20 * ld, kPlain, ld), k(14 * ld, kPlain, ld), v(14 * ld, kPlain, ld), y(20 * ld);
  t.run_into(q.data(), k.data(), v.data(), y.data());
  for (int64_t row = 0; row < 20; ++row) {
    int64_t s = row >= 12 && row < 15 ? 0 : row >= 2 && row < 6 ? 1 : row == 7 ? 2 : -1;
    if (s < 0) {
      for (int64_t c = 0; c < ld; ++c) expect(y.at(row * ld + c) == 0, "attention: a gap is not zero");
      continue;
    }
    Truth truth;
    for (int64_t h = 0; h < 2; ++h) {
      int64_t at = t.table[s * 4 + 2] * ld + h * 16;
      attention_truth(q.data() + row * ld + h * 16, k.data() + at, v.data() + at, ld, t.table[s * 4 + 3], 16, 0.25,
                      &truth);
    }
    compare("attention", "table with gaps", y.data() + row * ld, truth);
  }
  Attention none = {2, 3, 3, 1, 8, 1};
  none.live = 0;
  Buffer zeros(6 * 8);
  none.run_into(q.data(), k.data(), v.data(), zeros.data());
  for (int64_t i = 0; i < 48; ++i) expect(zeros.at(i) == 0, "attention: no live sequence, but not zero");
}

void test_attention_refusals() {
  Attention t = {2, 4, 4, 2, 16, 0};
  Buffer x(8 * 32, kPlain, 32), y(8 * 32);
  jc_attention_args good = t.args(x.data(), x.data(), x.data(), y.data());
  good.workspace_bytes = jc_attention_workspace(&context, &good);
  Buffer workspace(good.workspace_bytes / 4);
  good.workspace = workspace.data();
  auto with = [&](const std::string& message, const std::function<void(jc_attention_args&)>& change) {
    jc_attention_args a = good;
    change(a);
    refuses(jc_attention, a, message);
  };
  int32_t overlap[] = {0, 4, 0, 4, 3, 4, 0, 4}, empty[] = {0, 0, 0, 4, 4, 4, 4, 4}, far[] = {0, 4, 0, 4, 5, 4, 4, 4};
  int32_t many[] = {0, 4, 0, 5, 4, 4, 4, 4}, more[] = {0, 4, 0, 3, 4, 4, 4, 4}, before[] = {-1, 4, 0, 4, 4, 4, 4, 4};
  with("null", [](auto& a) { a.k = nullptr; });
  with("workspace", [](auto& a) { a.workspace = nullptr; });
  with("workspace", [](auto& a) { a.workspace = static_cast<char*>(a.workspace) + 4; });
  with("workspace_bytes", [](auto& a) { a.workspace_bytes = 15; });
  with("row stride", [](auto& a) { a.ldv = 31; });
  with("heads", [](auto& a) { a.heads = 0; });
  with("tokens", [](auto& a) { a.q_tokens = 5; });
  with("tokens", [](auto& a) { a.q_tokens = 0; });
  with("rows", [](auto& a) { a.rows = -1; });
  with("q_first", [](auto& a) { a.rows = 7; });
  with("overlap", [&](auto& a) { a.table = overlap; });
  with("q_count", [&](auto& a) { a.table = empty; });
  with("q_first", [&](auto& a) { a.table = far; });
  with("more tokens", [&](auto& a) { a.table = many; });
  with("kv_count", [&](auto& a) { a.table = more; });
  with("q_first", [&](auto& a) { a.table = before; });
  expect(y.all_untouched(), "attention refuses, but wrote");
  // The size for one thread lets seven work as one.
  context.threads = 1;
  good.workspace_bytes = jc_attention_workspace(&context, &good);
  context.threads = 7;
  run(jc_attention, good, "attention, workspace of one thread");
  context.threads = 1;
}

void test_attention() {
  for (int64_t causal = 0; causal < 2; ++causal) {
    for (int64_t tokens : {1, 2, 5, 7, 15, 16, 17, 31, 33, 50, 63, 65, 77}) {
      for (int64_t head_dim : {64, 80}) test_attention_values({2, tokens, tokens, 2, head_dim, causal}, kPlain);
    }
    for (int64_t head_dim : {1, 3, 8, 15, 16, 17, 88, 128, 131})
      test_attention_values({1, 13, 29, 2, head_dim, causal, 5}, kPlain);
    for (int kind = 0; kind < kKinds; ++kind)
      test_attention_values({1, 19, 37, 1, 64, causal, 3}, static_cast<Kind>(kind));
    for (int64_t tokens : {197, 257, 577}) test_attention_values({1, tokens, tokens, 1, 64, causal}, kPlain);
    for (int64_t tokens : {1, 3, 16, 50, 77, 101}) test_attention_bits(tokens, 3, tokens == 16 ? 24 : 64, causal);
    test_attention_bits(257, 2, 64, causal);
    test_attention_bits(33, 2, 80, causal);
  }
  test_attention_table();
  test_attention_refusals();
}

// ---- rows
// --------------------------------------------------------------------------------------------------------------------

const int64_t kWidths[] = {1, 2, 7, 8, 9, 15, 16, 17, 31, 33, 63, 64, 65, 127, 129, 257, 512, 768, 1031};

void layer_norm_truth(const float* x, const float* residual, const float* weight, const float* bias, int64_t width,
                      double epsilon, Truth* truth) {
  std::vector<double> s(width);
  double mean = 0, variance = 0, largest = 0, deviation = 0, n = static_cast<double>(width);
  for (int64_t i = 0; i < width; ++i) {
    s[i] = static_cast<double>(x[i]) + (residual != nullptr ? residual[i] : 0);
    mean += s[i] / n;
    largest = std::max(largest, fabs(s[i]));
  }
  for (int64_t i = 0; i < width; ++i) {
    variance += (s[i] - mean) * (s[i] - mean) / n;
    deviation += fabs(s[i] - mean) / n;
  }
  // The first mean is off by at most n u of the largest; what is left out is found from the deviations, whose sum loses
  // n u again.
  double off = n * kUnit * largest;
  double sigma = sqrt(variance + epsilon);
  double common = (residual != nullptr ? kUnit * largest : 0) + n * kUnit * (deviation + off);
  double of_variance = (n + 4) * kUnit * (variance + 2 * off * off) + 2 * common * deviation + common * common;
  double relative = 0.5 * of_variance / (variance + epsilon) + 4 * kUnit;
  if (relative > 0.5) relative = 4 * sqrt(relative);  // nothing but rounding left of the variance
  for (int64_t i = 0; i < width; ++i) {
    double d = s[i] - mean;
    double lost = (residual != nullptr ? kUnit * fabs(s[i]) : 0) + common + 2 * kUnit * (fabs(d) + off);
    double y = d / sigma * weight[i] + bias[i];
    double bound = fabs(weight[i]) * (lost / sigma * (1 + relative) + fabs(d) / sigma * relative);
    truth->add(y, bound + 3 * kUnit * (fabs(y) + fabs(bias[i])));
  }
}

void test_layer_norm_case(int64_t rows, int64_t width, Kind kind, bool residual, int sum_place) {
  std::string what = std::to_string(rows) + " x " + std::to_string(width) + ", " + kKindNames[kind] +
                     (residual ? ", residual" : "") + ", sum " + std::to_string(sum_place);
  Buffer x(rows * width, kind, width), r(rows * width, kind, width, 0.5f), weight(width, kPlain, width),
      bias(width, kPlain, width);
  Buffer x_before(x), r_before(r), sum(rows * width), y(rows * width);
  jc_layer_norm_args a = {};
  a.x = x.data(), a.residual = residual ? r.data() : nullptr, a.weight = weight.data(), a.bias = bias.data();
  a.sum = sum_place == 0 ? nullptr : sum_place == 1 ? sum.data() : sum_place == 2 ? x.data() : r.data();
  a.y = y.data(), a.rows = rows, a.width = width, a.epsilon = 1e-5;
  if (!run(jc_layer_norm, a, what)) return;
  Truth truth;
  for (int64_t row = 0; row < rows; ++row) {
    layer_norm_truth(x_before.data() + row * width, residual ? r_before.data() + row * width : nullptr, weight.data(),
                     bias.data(), width, a.epsilon, &truth);
  }
  compare("layer_norm", what, y.data(), truth);
  for (int64_t i = 0; i < rows * width && sum_place > 0; ++i) {
    expect(a.sum[i] == (residual ? x_before.at(i) + r_before.at(i) : x_before.at(i)), "layer_norm: sum, " + what);
  }
  // In place: y = x.
  Buffer again(x_before);
  if (sum_place <= 1) {
    a.x = again.data(), a.y = again.data();
    run(jc_layer_norm, a, what + ", in place");
    expect(same_bits(again.data(), y.data(), rows * width), "layer_norm in place differs, " + what);
  }
}

void test_layer_norm() {
  for (int64_t width : kWidths) {
    for (int64_t rows : {1, 2, 5}) test_layer_norm_case(rows, width, kPlain, rows > 1, static_cast<int>(width % 4));
  }
  for (int kind = 0; kind < kKinds; ++kind) {
    for (int place = 0; place < 4; ++place)
      test_layer_norm_case(9, 768, static_cast<Kind>(kind), place % 2 == 1 || place == 2, place);
    test_layer_norm_case(6, 63, static_cast<Kind>(kind), false, 0);
  }
  int64_t rows = 131, width = 771, live = 97;
  Buffer x(rows * width, kPlain, width), weight(width, kPlain, width), bias(width, kPlain, width), sum(rows * width);
  jc_layer_norm_args a = {};
  a.x = x.data(), a.residual = x.data(), a.weight = weight.data(), a.bias = bias.data(), a.sum = sum.data();
  a.rows = rows, a.width = width, a.epsilon = 1e-5, a.live = &live;
  threads_agree("layer_norm", rows * width, [&](float* y) {
    a.y = y;
    run(jc_layer_norm, a, "layer_norm live");
    for (int64_t i = live * width; i < rows * width; ++i)
      expect(y[i] == 0 && sum.at(i) == 0, "layer_norm: a row that is not live");
  });
  Buffer y(rows * width);
  a.y = y.data();
  run(jc_layer_norm, a, "layer_norm");
  for (int64_t row = 0; row < live; ++row) {
    Buffer one(width);
    jc_layer_norm_args b = a;
    b.x = b.residual = x.data() + row * width, b.y = one.data(), b.sum = nullptr, b.rows = 1, b.live = nullptr;
    run(jc_layer_norm, b, "layer_norm alone");
    expect(same_bits(one.data(), y.data() + row * width, width), "layer_norm: alone differs from batch");
  }
  Buffer none(4);
  a.y = none.data();
  a.width = 0;
  refuses(jc_layer_norm, a, "layer_norm: ");
  a.width = 4, a.rows = 1, a.weight = nullptr;
  refuses(jc_layer_norm, a, "null");
  expect(none.all_untouched(), "layer_norm refuses, but wrote");
}

void test_l2_normalize() {
  for (int64_t width : kWidths) {
    for (int kind = 0; kind < kKinds; ++kind) {
      int64_t rows = 11, live = 9;
      Buffer x(rows * width, static_cast<Kind>(kind), width);
      for (int64_t i = 0; i < width; ++i) x.at(3 * width + i) = 0;  // a row of zeros
      jc_l2_normalize_args a = {x.data(), nullptr, &live, rows, width, 1e-12};
      Buffer y(rows * width);
      a.y = y.data();
      std::string what = std::to_string(width) + ", " + kKindNames[kind];
      run(jc_l2_normalize, a, "l2_normalize " + what);
      Truth truth;
      for (int64_t row = 0; row < rows; ++row) {
        double squares = 0;
        for (int64_t i = 0; i < width; ++i)
          squares += static_cast<double>(x.at(row * width + i)) * x.at(row * width + i);
        double length = std::max(sqrt(squares), 1e-12);
        // Squares below 2^-126 lose more than u each.
        double lost = static_cast<double>(width) * 1e-44 / (length * length);
        for (int64_t i = 0; i < width; ++i) {
          double v = row < live ? x.at(row * width + i) / length : 0;
          truth.add(v, row < live ? fabs(v) * ((0.5 * static_cast<double>(width) + 5) * kUnit + lost) : 0);
        }
      }
      compare("l2_normalize", what, y.data(), truth);
      Buffer one(width);
      jc_l2_normalize_args b = {x.data() + 5 * width, one.data(), nullptr, 1, width, 1e-12};
      run(jc_l2_normalize, b, "l2_normalize alone");
      expect(same_bits(one.data(), y.data() + 5 * width, width), "l2_normalize: alone differs from batch");
      a.y = x.data();
      run(jc_l2_normalize, a, "l2_normalize in place");
      expect(same_bits(x.data(), y.data(), rows * width), "l2_normalize: in place differs");
    }
  }
  int64_t rows = 300, width = 257;
  Buffer x(rows * width, kPlain, width);
  threads_agree("l2_normalize", rows * width, [&](float* y) {
    jc_l2_normalize_args a = {x.data(), y, nullptr, rows, width, 1e-12};
    run(jc_l2_normalize, a, "l2_normalize");
  });
  jc_l2_normalize_args bad = {nullptr, x.data(), nullptr, 1, 1, 1e-12};
  refuses(jc_l2_normalize, bad, "l2_normalize: null");
}

void test_logits_case(int64_t rows, int64_t texts, int64_t width, double scale, Kind kind) {
  std::string what =
      std::to_string(rows) + " x " + std::to_string(texts) + " x " + std::to_string(width) + ", " + kKindNames[kind];
  Buffer image(rows * width, kind, width), text(texts * width, kind, width), logits(rows * texts),
      probabilities(rows * texts);
  jc_logits_args a = {image.data(), text.data(), logits.data(), probabilities.data(), rows, texts, width, scale};
  run(jc_logits, a, "logits " + what);
  Truth truth, soft;
  for (int64_t row = 0; row < rows; ++row) {
    std::vector<double> x(texts), rest(texts);
    double largest = -INFINITY, sum = 0, lost = 0;
    for (int64_t t = 0; t < texts; ++t) {
      double magnitude = 0;
      for (int64_t i = 0; i < width; ++i) {
        double product = static_cast<double>(image.at(row * width + i)) * text.at(t * width + i);
        x[t] += product * scale;
        magnitude += fabs(product * scale);
      }
      rest[t] = static_cast<double>(width + 2) * kUnit * magnitude;
      truth.add(x[t], rest[t] + static_cast<double>(width) * 1.5e-45 * scale);
      largest = std::max(largest, x[t]);
    }
    for (int64_t t = 0; t < texts; ++t) {
      rest[t] = expm1(2 * (rest[t] + fabs(x[t] - largest) * kUnit)) + 2.1 * kUnit;
      x[t] = exp(x[t] - largest);
      sum += x[t];
      lost += x[t] * rest[t];
    }
    for (int64_t t = 0; t < texts; ++t) {
      soft.add(x[t] / sum, x[t] / sum * (rest[t] + lost / sum + static_cast<double>(texts + 3) * kUnit));
    }
  }
  compare("logits", what, logits.data(), truth);
  compare("logits (softmax)", what, probabilities.data(), soft);
  Buffer one(texts), single(1);
  jc_logits_args b = {image.data() + (rows - 1) * width, text.data(), one.data(), nullptr, 1, texts, width, scale};
  run(jc_logits, b, "logits alone");
  expect(same_bits(one.data(), logits.data() + (rows - 1) * texts, texts), "logits: alone differs from batch, " + what);
  jc_logits_args c = {image.data(), text.data() + (texts - 1) * width, single.data(), nullptr, 1, 1, width, scale};
  run(jc_logits, c, "logits of one text");
  expect(same_bits(single.data(), logits.data() + texts - 1, 1), "logits: one text alone differs, " + what);
}

void test_logits() {
  for (int64_t width : {1, 15, 16, 17, 33, 512}) {
    for (int64_t texts : {1, 2, 3, 7, 16, 17, 67}) test_logits_case(1 + texts % 6, texts, width, 100, kPlain);
  }
  for (int kind = 0; kind < kKinds; ++kind)
    test_logits_case(5, 19, 65, kind == kLarge || kind == kOffset ? 1e-7 : 100, static_cast<Kind>(kind));
  test_logits_case(2, 1031, 24, 1000, kPlain);  // saturated
  int64_t rows = 3, texts = 3001, width = 40;
  Buffer image(rows * width, kPlain, width), text(texts * width, kPlain, width);
  for (int output = 0; output < 2; ++output) {
    threads_agree("logits", rows * texts, [&](float* y) {
      Buffer other(rows * texts);
      jc_logits_args a = {
          image.data(), text.data(), output == 0 ? y : other.data(), output == 0 ? other.data() : y, rows, texts,
          width,        50};
      run(jc_logits, a, "logits");
    });
  }
  jc_logits_args bad = {image.data(), nullptr, nullptr, nullptr, 1, 1, 1, 1};
  refuses(jc_logits, bad, "logits: null");
}

// ---- tables
// ------------------------------------------------------------------------------------------------------------------

void test_embedding() {
  for (int64_t width : {1, 17, 512, 1031}) {
    int64_t rows = 143, vocabulary = 29, positions = 13, live = 140;
    Buffer table(vocabulary * width, kPlain, width), positional(positions * width, kPlain, width), y(rows * width);
    std::vector<int32_t> id(rows, 1 << 30), position(rows, -1);  // what is not live may be anything
    for (int64_t i = 0; i < live; ++i)
      id[i] = static_cast<int32_t>(i * 7 % vocabulary), position[i] = static_cast<int32_t>(i % positions);
    jc_embedding_args a = {id.data(), position.data(), table.data(), positional.data(), y.data(), &live,
                           rows,      width,           vocabulary,   positions};
    run(jc_embedding, a, "embedding");
    for (int64_t row = 0; row < rows; ++row) {
      for (int64_t i = 0; i < width; ++i) {
        float want = row < live ? table.at(id[row] * width + i) + positional.at(position[row] * width + i) : 0;
        expect(y.at(row * width + i) == want, "embedding");
      }
    }
    Buffer untouched(rows * width);
    a.y = untouched.data();
    id[live - 1] = static_cast<int32_t>(vocabulary);
    refuses(jc_embedding, a, "embedding: ids[139] = 29 not in [0, 29)");
    id[live - 1] = -2147483647 - 1;
    refuses(jc_embedding, a, "embedding: ids[139] = -2147483648 not in [0, 29)");
    id[live - 1] = 0;
    position[3] = static_cast<int32_t>(positions);
    refuses(jc_embedding, a, "embedding: positions[3] = 13 not in [0, 13)");
    expect(untouched.all_untouched(), "embedding refuses, but wrote");
    position[3] = 0;
    threads_agree("embedding", rows * width, [&](float* out) {
      a.y = out;
      run(jc_embedding, a, "embedding");
    });
  }
}

void test_gather_rows() {
  for (int64_t width : {1, 5, 64, 771}) {
    int64_t rows = 101, source = 307, live = 100;
    Buffer x(source * width, kPlain, width), y(rows * width);
    std::vector<int32_t> index(rows, -7);
    for (int64_t i = 0; i < live; ++i) index[i] = static_cast<int32_t>(i * 91 % source);
    jc_gather_rows_args a = {x.data(), index.data(), y.data(), &live, rows, source, width, 0};
    for (int pass = 0; pass < 2; ++pass) {
      threads_agree("gather_rows", rows * width, [&](float* out) {
        a.y = out;
        run(jc_gather_rows, a, "gather_rows");
        for (int64_t row = 0; row < rows; ++row) {
          for (int64_t i = 0; i < width; ++i) {
            float want = row >= live ? 0 : x.at((pass == 0 ? index[row] : row * 3) * width + i);
            expect(out[row * width + i] == want, "gather_rows");
          }
        }
      });
      a.index = nullptr, a.step = 3;
    }
    a.y = y.data();
    a.step = 4;
    refuses(jc_gather_rows, a, "gather_rows: step");
    a.index = index.data();
    index[42] = 307;
    refuses(jc_gather_rows, a, "gather_rows: index[42] = 307 not in [0, 307)");
    expect(y.all_untouched(), "gather_rows refuses, but wrote");
  }
}

// ---- channels
// ----------------------------------------------------------------------------------------------------------------

void test_batch_norm() {
  for (int64_t channels : {1, 7, 15, 16, 17, 64, 65, 259}) {
    for (int kind = 0; kind < kKinds; ++kind) {
      int64_t rows = kind == 0 ? 300 : 5;
      Buffer x(rows * channels, static_cast<Kind>(kind), channels), weight(channels, kPlain, 1),
          bias(channels, kPlain, 1);
      Buffer mean(channels, kPlain, 1), variance(channels, kPlain, 1), y(rows * channels);
      for (int64_t c = 0; c < channels; ++c) variance.at(c) = c % 5 == 0 ? 0 : fabsf(variance.at(c));
      jc_batch_norm_args a = {x.data(), weight.data(), bias.data(), mean.data(), variance.data(),
                              y.data(), rows,          channels,    1e-5};
      Truth truth;
      for (int64_t i = 0; i < rows * channels; ++i) {
        int64_t c = i % channels;
        double scaled = (static_cast<double>(x.at(i)) - mean.at(c)) / sqrt(static_cast<double>(variance.at(c)) + 1e-5) *
                        weight.at(c);
        truth.add(scaled + bias.at(c), 7 * kUnit * fabs(scaled) + kUnit * fabs(scaled + bias.at(c)));
      }
      run(jc_batch_norm, a, "batch_norm");
      compare("batch_norm", std::to_string(channels) + ", " + kKindNames[kind], y.data(), truth);
      threads_agree("batch_norm", rows * channels, [&](float* out) {
        a.y = out;
        run(jc_batch_norm, a, "batch_norm");
        expect(same_bits(out, y.data(), rows * channels), "batch_norm: other bits than before");
      });
      Buffer one(channels);
      jc_batch_norm_args b = a;
      b.x = x.data() + (rows - 1) * channels, b.y = one.data(), b.rows = 1;
      run(jc_batch_norm, b, "batch_norm alone");
      expect(same_bits(one.data(), y.data() + (rows - 1) * channels, channels), "batch_norm: alone differs from batch");
      a.y = x.data();
      run(jc_batch_norm, a, "batch_norm in place");
      expect(same_bits(x.data(), y.data(), rows * channels), "batch_norm: in place differs");
      a.mean = nullptr;
      refuses(jc_batch_norm, a, "batch_norm: null");
    }
  }
}

void test_avg_pool() {
  for (int64_t channels : {1, 15, 16, 17, 67}) {
    for (int64_t kernel : {1, 2, 3, 7}) {
      int64_t batch = 3, height = 9, width = 11;
      int64_t out_height = height / kernel, out_width = width / kernel,
              count = batch * out_height * out_width * channels;
      Buffer x(batch * height * width * channels, kPlain, 1);
      Truth truth;
      for (int64_t i = 0; i < count; ++i) {
        int64_t c = i % channels, column = i / channels % out_width, row = i / channels / out_width % out_height;
        int64_t b = i / channels / out_width / out_height;
        double sum = 0, magnitude = 0, n = static_cast<double>(kernel * kernel);
        for (int64_t j = 0; j < kernel * kernel; ++j) {
          double v =
              x.at(((b * height + row * kernel + j / kernel) * width + column * kernel + j % kernel) * channels + c);
          sum += v, magnitude += fabs(v);
        }
        truth.add(sum / n, (n + 1) * kUnit * magnitude / n);
      }
      threads_agree("avg_pool", count, [&](float* y) {
        jc_avg_pool_args a = {x.data(), y, batch, height, width, channels, kernel};
        run(jc_avg_pool, a, "avg_pool");
        compare("avg_pool", std::to_string(channels) + " channels, kernel " + std::to_string(kernel), y, truth);
      });
    }
  }
  Buffer x(16, kPlain, 1), y(16);
  jc_avg_pool_args bad = {x.data(), y.data(), 1, 2, 4, 2, 3};
  refuses(jc_avg_pool, bad, "avg_pool: kernel");
  expect(y.all_untouched(), "avg_pool refuses, but wrote");
}

void test_attention_pool_tokens() {
  for (int64_t channels : {1, 15, 16, 17, 255, 257, 600}) {
    for (int64_t pixels : {1, 2, 49}) {
      int64_t batch = 4, count = batch * (1 + pixels) * channels;
      Buffer x(batch * pixels * channels, kPlain, 1), positional((1 + pixels) * channels, kPlain, 1);
      Truth truth;
      for (int64_t i = 0; i < count; ++i) {
        int64_t c = i % channels, token = i / channels % (1 + pixels), b = i / channels / (1 + pixels);
        double value = token > 0 ? x.at((b * pixels + token - 1) * channels + c) : 0, magnitude = fabs(value);
        for (int64_t p = 0; p < pixels && token == 0; ++p) {
          double v = x.at((b * pixels + p) * channels + c) / static_cast<double>(pixels);
          value += v, magnitude += fabs(v);
        }
        double position = positional.at(token * channels + c);
        truth.add(value + position, (token == 0 ? static_cast<double>(pixels + 1) * kUnit * magnitude : 0) +
                                        kUnit * (1e-6 + fabs(value + position)));
      }
      Buffer y(count);
      jc_attention_pool_tokens_args a = {x.data(), positional.data(), y.data(), batch, pixels, channels};
      run(jc_attention_pool_tokens, a, "attention_pool_tokens");
      compare("attention_pool_tokens", std::to_string(pixels) + " x " + std::to_string(channels), y.data(), truth);
      threads_agree("attention_pool_tokens", count, [&](float* out) {
        a.y = out;
        run(jc_attention_pool_tokens, a, "attention_pool_tokens");
        expect(same_bits(out, y.data(), count), "attention_pool_tokens: other bits than before");
      });
      Buffer one((1 + pixels) * channels);
      jc_attention_pool_tokens_args b = {
          x.data() + 3 * pixels * channels, positional.data(), one.data(), 1, pixels, channels};
      run(jc_attention_pool_tokens, b, "attention_pool_tokens alone");
      expect(same_bits(one.data(), y.data() + 3 * (1 + pixels) * channels, (1 + pixels) * channels),
             "attention_pool_tokens: alone differs");
    }
  }
  Buffer x(4, kPlain, 1);
  jc_attention_pool_tokens_args bad = {x.data(), nullptr, nullptr, 1, 1, 1};
  refuses(jc_attention_pool_tokens, bad, "attention_pool_tokens: null");
}

double activate(double x, int64_t activation) {
  if (activation == JC_RELU) return x < 0 ? 0 : x;
  if (activation == JC_QUICK_GELU) return x / (1 + exp(-1.702 * x));
  if (activation == JC_GELU) return 0.5 * x * erfc(-x * M_SQRT1_2);
  return x;
}

void test_activation() {
  for (int64_t activation = JC_IDENTITY; activation <= JC_GELU; ++activation) {
    for (int64_t count : {1, 7, 8, 15, 16, 17, 1000, 70001}) {
      Buffer x(count);
      for (int64_t i = 0; i < count; ++i)
        x.at(i) = i % 5 == 0 ? 1e4f * next() : i % 5 == 1 ? 1e-39f * next() : i % 5 == 2 ? -0.0f : 9 * next();
      Truth truth;
      for (int64_t i = 0; i < count; ++i) {
        double y = activate(x.at(i), activation);
        // The plain version's exponents, x^2 / 2 and 1.702 x, are rounded; the fast ones carry what was rounded off.
        double x_size = fabs(static_cast<double>(x.at(i)));
        double plain = context.isa != JC_REF ? 0 : activation == JC_GELU ? 2 * x_size * x_size : 4 * x_size;
        // Where the plain version's exponential overflows, 0 stands for what is below 1e-35.
        double floor = context.isa == JC_REF ? 1e-35 : 2e-38;
        truth.add(y, activation <= JC_RELU ? 0 : (8 + plain) * kUnit * fabs(y) + floor);
      }
      threads_agree("activation", count, [&](float* y) {
        jc_activation_args a = {x.data(), y, count, activation};
        run(jc_activation, a, "activation");
        compare("activation " + std::to_string(activation), std::to_string(count), y, truth);
      });
      Buffer y(count);
      jc_activation_args a = {x.data(), y.data(), count, activation}, b = {x.data(), x.data(), count, activation};
      run(jc_activation, a, "activation");
      run(jc_activation, b, "activation in place");
      expect(same_bits(x.data(), y.data(), count), "activation: in place differs");
    }
  }
  Buffer x(4, kPlain, 1), y(4);
  jc_activation_args bad = {x.data(), y.data(), 4, 4};
  refuses(jc_activation, bad, "activation: activation");
  expect(y.all_untouched(), "activation refuses, but wrote");
}

}  // namespace

int main() {
  jc_threads(7);
  for (context.isa = JC_REF; context.isa <= jc_isa(); ++context.isa) {
    context.threads = 1;
    worst.clear();
    test_attention();
    test_layer_norm();
    test_l2_normalize();
    test_logits();
    test_embedding();
    test_gather_rows();
    test_batch_norm();
    test_avg_pool();
    test_attention_pool_tokens();
    test_activation();
    for (auto& [op, most] : worst)
      printf("%-6s %-24s largest error %.3f of its bound\n", kNames[context.isa], op.c_str(), most);
  }
  if (failures > 0) {
    printf("%d failures\n", failures);
    return 1;
  }
  printf("all operators agree with double precision and with themselves\n");
  return 0;
}
