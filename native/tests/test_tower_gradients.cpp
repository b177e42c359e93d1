// Contract test of attention_gradient, layer_norm_gradient and activation_gradient: every instruction set present, against double
// precision with derived bounds (u = 2^-24: a sum of n terms in any order loses at most n u of the sum of magnitudes), and byte
// for byte against itself: alone and in a batch, packed and dense, in place, whatever the number of threads. The formulas in double
// precision are themselves held against central differences of the forward formulas.
//
// Buffers lie between red zones and outputs and workspaces start as NaN. Each comparison is made twice: the second time
// with one element moved by three bounds, and at least to the next float, which it must notice; and formulas with a term left out
// must be noticed, too.
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

// A formula that is wrong in a known way must not pass.
void notices(const std::string& what, const float* y, const Truth& wrong) {
  if (share(y, wrong, -1) <= 1) fail("the comparison does not notice: " + what);
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

// The gradient of loss(x) at each element of x by central differences of fourth order, against what the formula says.
void central(const std::string& what, std::vector<double>& x, const std::vector<double>& gradient,
             const std::function<double()>& loss) {
  double largest = 0;
  for (double g : gradient) largest = std::max(largest, fabs(g));
  for (size_t i = 0; i < x.size(); ++i) {
    double before = x[i], h = 1e-3;
    auto at = [&](double step) {
      x[i] = before + step * h;
      double value = loss();
      x[i] = before;
      return value;
    };
    double slope = (8 * (at(1) - at(-1)) - (at(2) - at(-2))) / (12 * h);
    // Steps of 1e-3 lose h^4 of a fifth derivative, and 1e-16 / h of the loss.
    double error = fabs(slope - gradient[i]) / (largest + 1e-3);
    worst["differences"] = std::max(worst["differences"], error / 1e-7);
    if (!(error < 1e-7))
      fail(what + ": central differences say " + std::to_string(slope) + ", not " + std::to_string(gradient[i]));
  }
}

std::vector<double> doubles(int64_t n, double factor = 1) {
  std::vector<double> x(n);
  for (double& v : x) v = factor * next();
  return x;
}

// ---- attention
// ---------------------------------------------------------------------------------------------------------------

struct HeadTruth {
  Truth dq, dk, dv;
};

// One head of one sequence, and what single precision may lose: see the comments. `mean`: with the term sum of p dp.
template <class T>
HeadTruth attention_truth(const T* q, const T* k, const T* v, const T* dy, int64_t ld, int64_t queries, int64_t keys,
                          int64_t head_dim, bool causal, double scale, bool mean = true) {
  auto size = [&](int64_t n) { return static_cast<size_t>(n * head_dim); };
  std::vector<double> dq(size(queries)), dk(size(keys)), dv(size(keys)), eq(size(queries)), ek(size(keys)),
      ev(size(keys));
  double dims = static_cast<double>(head_dim);
  for (int64_t i = 0; i < queries; ++i) {
    int64_t n = causal ? keys - queries + i + 1 : keys;
    double count = static_cast<double>(n), chain = static_cast<double>(std::max(n, queries)) * kUnit;
    std::vector<double> p(n), rest(n), dp(n), dp_rest(n);
    double largest = -INFINITY;
    for (int64_t j = 0; j < n; ++j) {
      double score = 0, of_score = 0, of_dp = 0;
      for (int64_t d = 0; d < head_dim; ++d) {
        double a = static_cast<double>(q[i * ld + d]) * static_cast<double>(k[j * ld + d]);
        double b = static_cast<double>(dy[i * ld + d]) * static_cast<double>(v[j * ld + d]);
        score += a, of_score += fabs(a), dp[j] += b, of_dp += fabs(b);
      }
      p[j] = score * scale;
      rest[j] = (dims + 2) * kUnit * scale * of_score;
      dp_rest[j] = dims * kUnit * of_dp;
      largest = std::max(largest, p[j]);
    }
    double sum = 0, sum_rest = 0;
    for (int64_t j = 0; j < n; ++j) {
      // The largest score is off, too; the exponential adds 1.01 ulp = 2.02 u.
      rest[j] = expm1(2 * (rest[j] + fabs(p[j] - largest) * kUnit)) + 2.1 * kUnit;
      p[j] = exp(p[j] - largest);
      sum += p[j];
      sum_rest += p[j] * rest[j];
    }
    double center = 0, center_rest = 0;
    for (int64_t j = 0; j < n; ++j) {
      p[j] /= sum;
      rest[j] = 1.01 * (rest[j] + sum_rest / sum + (count + 4) * kUnit);  // now relative to the probability
      center += p[j] * dp[j];
      center_rest += p[j] * ((1 + rest[j]) * dp_rest[j] + fabs(dp[j]) * (rest[j] + (count + 2) * kUnit));
    }
    if (!mean) center = 0;
    for (int64_t j = 0; j < n; ++j) {
      double ds = scale * p[j] * (dp[j] - center);
      double off = dp_rest[j] + center_rest + kUnit * (fabs(dp[j]) + fabs(center));
      double ds_rest = scale * p[j] * (1 + rest[j]) * off + fabs(ds) * (rest[j] + 4 * kUnit) + 1e-45;
      for (int64_t d = 0; d < head_dim; ++d) {
        double query = static_cast<double>(q[i * ld + d]), key = static_cast<double>(k[j * ld + d]),
               up = static_cast<double>(dy[i * ld + d]);
        double ds_size = (fabs(ds) + ds_rest) * chain;
        dq[i * head_dim + d] += ds * key, eq[i * head_dim + d] += fabs(key) * (ds_rest + ds_size);
        dk[j * head_dim + d] += ds * query, ek[j * head_dim + d] += fabs(query) * (ds_rest + ds_size);
        dv[j * head_dim + d] += p[j] * up;
        ev[j * head_dim + d] += fabs(up) * p[j] * (rest[j] + (1 + rest[j]) * chain);
      }
    }
  }
  HeadTruth t;
  auto fill = [](Truth* truth, const std::vector<double>& value, const std::vector<double>& bound) {
    for (size_t i = 0; i < value.size(); ++i) truth->add(value[i], bound[i] + fabs(value[i]) * kUnit + 1e-37);
  };
  fill(&t.dq, dq, eq), fill(&t.dk, dk, ek), fill(&t.dv, dv, ev);
  return t;
}

double attention_loss(const std::vector<double>& q, const std::vector<double>& k, const std::vector<double>& v,
                      const std::vector<double>& dy, int64_t queries, int64_t keys, int64_t head_dim, bool causal,
                      double scale) {
  double loss = 0;
  for (int64_t i = 0; i < queries; ++i) {
    int64_t n = causal ? keys - queries + i + 1 : keys;
    double sum = 0, weighted = 0;
    for (int64_t j = 0; j < n; ++j) {
      double score = 0, value = 0;
      for (int64_t d = 0; d < head_dim; ++d) {
        score += q[i * head_dim + d] * k[j * head_dim + d];
        value += dy[i * head_dim + d] * v[j * head_dim + d];
      }
      sum += exp(scale * score), weighted += exp(scale * score) * value;
    }
    loss += weighted / sum;
  }
  return loss;
}

void test_attention_differences() {
  for (int64_t causal = 0; causal < 2; ++causal) {
    for (int64_t queries : {1, 3, 5}) {
      int64_t keys = 5, d = 3;
      auto q = doubles(queries * d, 2), k = doubles(keys * d), v = doubles(keys * d), dy = doubles(queries * d);
      HeadTruth t = attention_truth(q.data(), k.data(), v.data(), dy.data(), d, queries, keys, d, causal != 0, 0.7);
      auto loss = [&] { return attention_loss(q, k, v, dy, queries, keys, d, causal != 0, 0.7); };
      central("dq", q, t.dq.value, loss);
      central("dk", k, t.dk.value, loss);
      central("dv", v, t.dv.value, loss);
    }
  }
}

struct Attention {
  int64_t sequences, q_tokens, kv_tokens, heads, head_dim, causal;
  int64_t padding = 0;  // of every row stride
  int64_t rows = -1, kv_rows = -1;
  std::vector<int32_t> table = {};
  int64_t live = -1;

  int64_t width() const { return heads * head_dim; }
  int64_t ld() const { return width() + padding; }
  int64_t q_rows() const { return rows >= 0 ? rows : sequences * q_tokens; }
  int64_t k_rows() const { return kv_rows >= 0 ? kv_rows : sequences * kv_tokens; }
  int64_t count() const { return (q_rows() + 2 * k_rows()) * ld(); }
  std::string name() const {
    return std::to_string(sequences) + " x " + std::to_string(q_tokens) + "/" + std::to_string(kv_tokens) +
           " tokens, " + std::to_string(heads) + " x " + std::to_string(head_dim) + (causal ? ", causal" : ", full") +
           (table.empty() ? "" : ", packed");
  }
  // The gradients lie one after the other in `out`.
  jc_attention_gradient_args args(const float* q, const float* k, const float* v, const float* dy, float* out) const {
    jc_attention_gradient_args a = {};
    a.q = q, a.k = k, a.v = v, a.dy = dy;
    a.dq = out, a.dk = out + q_rows() * ld(), a.dv = out + (q_rows() + k_rows()) * ld();
    a.table = table.empty() ? nullptr : table.data();
    a.live = live >= 0 ? &live : nullptr;
    a.sequences = sequences, a.q_tokens = q_tokens, a.kv_tokens = kv_tokens;
    a.rows = q_rows(), a.kv_rows = k_rows();
    a.heads = heads, a.head_dim = head_dim;
    a.ldq = a.ldk = a.ldv = a.lddy = a.lddq = a.lddk = a.lddv = ld();
    a.causal = causal, a.scale = 1 / sqrt(static_cast<double>(head_dim));
    return a;
  }
  void run_with(jc_attention_gradient_args a) const {
    a.workspace_bytes = jc_attention_gradient_workspace(&context, &a);
    Buffer workspace(a.workspace_bytes / 4);
    a.workspace = workspace.data();
    run(jc_attention_gradient, a, "attention_gradient " + name());
  }
  void run_into(const Buffer& q, const Buffer& k, const Buffer& v, const Buffer& dy, float* out) const {
    run_with(args(q.data(), k.data(), v.data(), dy.data(), out));
  }
};

// The columns of a head of `rows` rows from `first` on, dense.
std::vector<float> head_of(const float* x, int64_t ld, int64_t first, int64_t rows, int64_t column, int64_t head_dim) {
  std::vector<float> out;
  for (int64_t row = first; row < first + rows; ++row)
    out.insert(out.end(), x + row * ld + column, x + row * ld + column + head_dim);
  return out;
}

void compare_sequence(const Attention& t, const Buffer& q, const Buffer& k, const Buffer& v, const Buffer& dy,
                      const Buffer& out, const int64_t* at, const std::string& what) {
  int64_t ld = t.ld(), d = t.head_dim;
  jc_attention_gradient_args a = t.args(nullptr, nullptr, nullptr, nullptr, out.data());
  for (int64_t h = 0; h < t.heads; ++h) {
    auto truth = [&](bool mean) {
      int64_t from_q = at[0] * ld + h * d, from_k = at[2] * ld + h * d;
      return attention_truth(q.data() + from_q, k.data() + from_k, v.data() + from_k, dy.data() + from_q, ld, at[1],
                             at[3], d, t.causal != 0, a.scale, mean);
    };
    HeadTruth right = truth(true);
    auto dq = head_of(a.dq, ld, at[0], at[1], h * d, d);
    compare("attention_gradient dq", what, dq.data(), right.dq);
    compare("attention_gradient dk", what, head_of(a.dk, ld, at[2], at[3], h * d, d).data(), right.dk);
    compare("attention_gradient dv", what, head_of(a.dv, ld, at[2], at[3], h * d, d).data(), right.dv);
    // Where values differ enough for it to count, a missing mean must be seen.
    if (what == "plain" && at[3] > 1) notices("the mean of dp is left out", dq.data(), truth(false).dq);
  }
}

enum Scores { kScoresPlain, kScoresSaturated, kScoresTiny, kScoresSame, kScoresLarge, kScores };
const char* const kScoreNames[] = {"plain", "saturated", "denormals and zeros", "identical rows", "dy 1e4"};

void test_attention_values(const Attention& t, int scores) {
  int64_t ld = t.ld(), rows = t.q_rows(), kv_rows = t.k_rows();
  Kind kind = scores == kScoresTiny ? kTiny : scores == kScoresSame ? kSame : kPlain;
  // Scores of plain numbers lie in +-1; with factor 6 the softmax has some that count and some that do not, with 200 one.
  Buffer q(rows * ld, kind, ld, scores == kScoresSaturated ? 200 : 6), k(kv_rows * ld, kind, ld),
      v(kv_rows * ld, kind, ld), dy(rows * ld, kind, ld, scores == kScoresLarge ? 1e4f : 1);
  Buffer out(t.count());
  t.run_into(q, k, v, dy, out.data());
  for (int64_t s = 0; s < t.sequences; ++s) {
    int64_t at[4] = {s * t.q_tokens, t.q_tokens, s * t.kv_tokens, t.kv_tokens};
    compare_sequence(t, q, k, v, dy, out, at, kScoreNames[scores]);
  }
  for (int64_t row = 0; row < rows + 2 * kv_rows; ++row) {
    for (int64_t c = t.width(); c < ld; ++c)
      expect(out.untouched(row * ld + c), "attention_gradient writes beyond the row");
  }
}

// The bits of a sequence: alone, in a batch, packed, under several threads, as columns of one matrix.
void test_attention_bits(int64_t tokens, int64_t heads, int64_t head_dim, int64_t causal) {
  Attention batch = {5, tokens, tokens, heads, head_dim, causal};
  int64_t ld = batch.ld(), rows = 5 * tokens;
  Buffer q(rows * ld, kPlain, ld, 5), k(rows * ld, kPlain, ld), v(rows * ld, kPlain, ld), dy(rows * ld, kPlain, ld);
  Buffer out(batch.count());
  batch.run_into(q, k, v, dy, out.data());
  std::string what = "attention_gradient bits, " + batch.name();
  threads_agree(what, batch.count(), [&](float* again) {
    batch.run_into(q, k, v, dy, again);
    expect(same_bits(again, out.data(), batch.count()), what + ": other bits than before");
  });
  Attention one = {1, tokens, tokens, heads, head_dim, causal};
  for (int64_t s = 0; s < 5; ++s) {
    int64_t at = s * tokens * ld;
    Buffer alone(one.count());
    one.run_with(one.args(q.data() + at, k.data() + at, v.data() + at, dy.data() + at, alone.data()));
    for (int64_t part = 0; part < 3; ++part) {
      expect(same_bits(alone.data() + part * tokens * ld, out.data() + part * rows * ld + at, tokens * ld),
             what + ": alone differs from batch");
    }
  }
  // q, k, v and their gradients as columns of one matrix each.
  Buffer base(rows * 3 * ld), gradient(rows * 3 * ld);
  for (int64_t row = 0; row < rows; ++row) {
    for (int64_t c = 0; c < ld; ++c) {
      base.at(row * 3 * ld + c) = q.at(row * ld + c);
      base.at(row * 3 * ld + ld + c) = k.at(row * ld + c);
      base.at(row * 3 * ld + 2 * ld + c) = v.at(row * ld + c);
    }
  }
  jc_attention_gradient_args a =
      batch.args(base.data(), base.data() + ld, base.data() + 2 * ld, dy.data(), gradient.data());
  a.dk = gradient.data() + ld, a.dv = gradient.data() + 2 * ld;
  a.ldq = a.ldk = a.ldv = a.lddq = a.lddk = a.lddv = 3 * ld;
  batch.run_with(a);
  for (int64_t row = 0; row < rows; ++row) {
    for (int64_t part = 0; part < 3; ++part) {
      expect(same_bits(gradient.data() + (row * 3 + part) * ld, out.data() + (part * rows + row) * ld, ld),
             what + ": views differ");
    }
  }
}

// Sequences of different lengths packed, some not live, against each alone; rows of no live sequence are zero.
void test_attention_packed(int64_t heads, int64_t head_dim, int64_t causal) {
  const int32_t lengths[] = {8, 32, 17, 1, 25, 9};
  Attention packed = {6, 32, 32, heads, head_dim, causal};
  packed.rows = packed.kv_rows = 100;
  packed.live = 5;
  int32_t at = 3;
  for (int32_t length : lengths) {
    packed.table.insert(packed.table.end(), {at, length, at, length});
    at += length;
  }
  int64_t ld = packed.ld();
  Buffer q(100 * ld, kPlain, ld, 5), k(100 * ld, kPlain, ld), v(100 * ld, kPlain, ld), dy(100 * ld, kPlain, ld);
  for (int64_t i = 0; i < 100 * ld; ++i) {
    if (i < 3 * ld || i >= 86 * ld) q.at(i) = k.at(i) = v.at(i) = dy.at(i) = NAN;  // nobody reads these
  }
  threads_agree("attention_gradient packed", packed.count(), [&](float* out) {
    packed.run_into(q, k, v, dy, out);
    for (int64_t row = 0; row < 300; ++row) {
      if (row % 100 >= 3 && row % 100 < 86) continue;
      for (int64_t c = 0; c < ld; ++c)
        expect(out[row * ld + c] == 0, "attention_gradient: a row of no sequence is not zero");
    }
    for (int64_t s = 0; s < 5; ++s) {
      int64_t first = packed.table[s * 4] * ld, length = lengths[s];
      Attention one = {1, length, length, heads, head_dim, causal};
      Buffer alone(one.count());
      one.run_with(one.args(q.data() + first, k.data() + first, v.data() + first, dy.data() + first, alone.data()));
      for (int64_t part = 0; part < 3; ++part) {
        expect(same_bits(alone.data() + part * length * ld, out + part * 100 * ld + first, length * ld),
               "attention_gradient: packed differs from alone");
      }
    }
  });
}

void test_attention_table() {
  // Sequences out of order, with gaps before, between and behind, keys apart from queries.
  Attention t = {3, 4, 9, 2, 16, 0, 3};
  t.rows = 20, t.kv_rows = 23;
  t.table = {12, 3, 0, 9, 2, 4, 10, 5, 7, 1, 17, 2};
  int64_t ld = t.ld();
  Buffer q(20 * ld, kPlain, ld, 4), k(23 * ld, kPlain, ld), v(23 * ld, kPlain, ld), dy(20 * ld, kPlain, ld);
  Buffer out(t.count());
  t.run_into(q, k, v, dy, out.data());
  std::vector<bool> covered(20 + 2 * 23);
  for (int64_t s = 0; s < 3; ++s) {
    int64_t at[4];
    for (int i = 0; i < 4; ++i) at[i] = t.table[s * 4 + i];
    compare_sequence(t, q, k, v, dy, out, at, "plain");
    for (int64_t i = 0; i < at[1]; ++i) covered[at[0] + i] = true;
    for (int64_t i = 0; i < at[3]; ++i) covered[20 + at[2] + i] = covered[43 + at[2] + i] = true;
  }
  for (int64_t row = 0; row < 66; ++row) {
    for (int64_t c = 0; c < t.width() && !covered[row]; ++c)
      expect(out.at(row * ld + c) == 0, "attention_gradient: a gap is not zero");
  }
  Attention none = {2, 3, 3, 1, 8, 1};
  none.live = 0;
  Buffer x(6 * 8, kPlain, 8), zeros(none.count());
  none.run_into(x, x, x, x, zeros.data());
  for (int64_t i = 0; i < none.count(); ++i)
    expect(zeros.at(i) == 0, "attention_gradient: no live sequence, but not zero");
}

void test_attention_refusals() {
  Attention t = {2, 4, 4, 2, 16, 0};
  Buffer x(8 * 32, kPlain, 32), out(t.count());
  jc_attention_gradient_args good = t.args(x.data(), x.data(), x.data(), x.data(), out.data());
  good.workspace_bytes = jc_attention_gradient_workspace(&context, &good);
  Buffer workspace(good.workspace_bytes / 4);
  good.workspace = workspace.data();
  auto with = [&](const std::string& message, const std::function<void(jc_attention_gradient_args&)>& change) {
    jc_attention_gradient_args a = good;
    change(a);
    refuses(jc_attention_gradient, a, message);
  };
  int32_t overlap[] = {0, 4, 0, 4, 3, 4, 4, 4}, empty[] = {0, 0, 0, 4, 4, 4, 4, 4}, far[] = {0, 4, 0, 4, 5, 4, 4, 4};
  int32_t many[] = {0, 4, 0, 5, 4, 4, 4, 4}, more[] = {0, 4, 0, 3, 4, 4, 4, 4}, before[] = {-1, 4, 0, 4, 4, 4, 4, 4};
  int32_t same_keys[] = {0, 4, 0, 4, 4, 4, 0, 4}, far_keys[] = {0, 4, 0, 4, 4, 4, 5, 4};
  with("null", [](auto& a) { a.dy = nullptr; });
  with("null", [](auto& a) { a.dk = nullptr; });
  with("workspace", [](auto& a) { a.workspace = nullptr; });
  with("workspace", [](auto& a) { a.workspace = static_cast<char*>(a.workspace) + 4; });
  with("workspace_bytes", [](auto& a) { a.workspace_bytes = 15; });
  with("row stride", [](auto& a) { a.lddy = 31; });
  with("row stride of a gradient", [](auto& a) { a.lddv = 31; });
  with("heads", [](auto& a) { a.heads = 0; });
  with("tokens", [](auto& a) { a.q_tokens = 5; });
  with("tokens", [](auto& a) { a.q_tokens = 0; });
  with("rows", [](auto& a) { a.rows = -1; });
  with("q_first", [](auto& a) { a.rows = 7; });
  with("kv_first", [](auto& a) { a.kv_rows = 7; });
  with("queries overlap", [&](auto& a) { a.table = overlap; });
  with("keys overlap", [&](auto& a) { a.table = same_keys; });
  with("q_count", [&](auto& a) { a.table = empty; });
  with("q_first", [&](auto& a) { a.table = far; });
  with("kv_first", [&](auto& a) { a.table = far_keys; });
  with("more tokens", [&](auto& a) { a.table = many; });
  with("kv_count", [&](auto& a) { a.table = more; });
  with("q_first", [&](auto& a) { a.table = before; });
  expect(out.all_untouched(), "attention_gradient refuses, but wrote");
  // The size for one thread lets seven work as one.
  context.threads = 1;
  good.workspace_bytes = jc_attention_gradient_workspace(&context, &good);
  context.threads = 7;
  run(jc_attention_gradient, good, "attention_gradient, workspace of one thread");
  context.threads = 1;
}

void test_attention() {
  test_attention_differences();
  for (int64_t causal = 0; causal < 2; ++causal) {
    for (int64_t tokens : {1, 2, 5, 7, 15, 16, 17, 31, 33, 50, 63, 65, 77, 79}) {
      for (int64_t head_dim : {64, 80}) test_attention_values({2, tokens, tokens, 2, head_dim, causal}, kScoresPlain);
    }
    for (int64_t head_dim : {1, 3, 8, 10, 12, 15, 16, 17, 24, 48, 88, 128, 131}) {
      test_attention_values({1, 13, 29, 2, head_dim, causal, 5}, kScoresPlain);
      test_attention_values({2, 1, 23, 2, head_dim, causal, 1}, kScoresPlain);
    }
    for (int scores = 0; scores < kScores; ++scores) test_attention_values({1, 19, 37, 1, 64, causal, 3}, scores);
    for (int64_t tokens : {197, 257}) test_attention_values({1, tokens, tokens, 1, 64, causal}, kScoresPlain);
    for (int64_t tokens : {1, 3, 16, 50, 65, 101}) test_attention_bits(tokens, 3, tokens == 16 ? 24 : 64, causal);
    test_attention_bits(33, 2, 80, causal);
    test_attention_bits(9, 2, 10, causal);
    for (int64_t head_dim : {10, 48, 64}) test_attention_packed(3, head_dim, causal);
  }
  test_attention_table();
  test_attention_refusals();
}

// ---- layer_norm
// --------------------------------------------------------------------------------------------------------------

struct NormTruth {
  std::vector<double> dx, dx_bound, normal, normal_bound;
};

// One row, and what single precision may lose. `of_normal`: with the term mean(g n).
template <class T>
NormTruth layer_norm_truth(const T* x, const T* dy, const T* weight, int64_t width, double epsilon,
                           bool of_normal = true) {
  double mean = 0, variance = 0, largest = 0, deviation = 0, n = static_cast<double>(width);
  for (int64_t i = 0; i < width; ++i) {
    mean += static_cast<double>(x[i]) / n;
    largest = std::max(largest, fabs(static_cast<double>(x[i])));
  }
  for (int64_t i = 0; i < width; ++i) {
    double d = static_cast<double>(x[i]) - mean;
    variance += d * d / n;
    deviation += fabs(d) / n;
  }
  // Statistics as in test_ops: the first mean is off by at most n u of the largest; what is left out is found from the deviations,
  // whose sum loses n u again.
  double off = n * kUnit * largest;
  double sigma = sqrt(variance + epsilon);
  double common = n * kUnit * (deviation + off);
  double of_variance = (n + 4) * kUnit * (variance + 2 * off * off) + 2 * common * deviation + common * common;
  double relative = 0.5 * of_variance / (variance + epsilon) + 4 * kUnit;
  if (relative > 0.5) relative = 4 * sqrt(relative);  // nothing but rounding left of the variance
  NormTruth t;
  double g_mean = 0, g_size = 0, g_normal = 0, g_normal_rest = 0;
  for (int64_t i = 0; i < width; ++i) {
    double d = static_cast<double>(x[i]) - mean, g = static_cast<double>(dy[i]) * static_cast<double>(weight[i]);
    double lost = common + 2 * kUnit * (fabs(d) + off);
    t.normal.push_back(d / sigma);
    t.normal_bound.push_back(lost / sigma * (1 + relative) + fabs(d) / sigma * (relative + 2 * kUnit));
    g_mean += g / n, g_size += fabs(g) / n, g_normal += g * d / sigma / n;
    // Sums of g (x - first mean) are made, too: magnitudes up to |d| + 2 off.
    g_normal_rest += fabs(g) / n * (t.normal_bound[i] + (n + 6) * kUnit * (fabs(d) + 2 * off) / sigma * (1 + relative));
  }
  double g_mean_rest = (n + 2) * kUnit * g_size;
  if (!of_normal) g_normal = 0;
  for (int64_t i = 0; i < width; ++i) {
    double g = static_cast<double>(dy[i]) * static_cast<double>(weight[i]), normal = t.normal[i];
    double inner = g - g_mean - normal * g_normal;
    double size = fabs(g) + fabs(g_mean) + fabs(normal * g_normal);
    double rest = g_mean_rest + (fabs(normal) + t.normal_bound[i]) * g_normal_rest +
                  t.normal_bound[i] * fabs(g_normal) + 4 * kUnit * size;
    t.dx.push_back(inner / sigma);
    t.dx_bound.push_back((1 + relative) / sigma * rest + relative / sigma * fabs(inner) + 2 * kUnit * size / sigma);
  }
  return t;
}

void test_layer_norm_differences() {
  for (int64_t width : {1, 2, 5, 9}) {
    auto x = doubles(width), dy = doubles(width), weight = doubles(width);
    NormTruth t = layer_norm_truth(x.data(), dy.data(), weight.data(), width, 1e-2);
    std::vector<double> d_weight(width);
    for (int64_t i = 0; i < width; ++i) d_weight[i] = dy[i] * t.normal[i];
    auto loss = [&] {
      double mean = 0, variance = 0, sum = 0, n = static_cast<double>(width);
      for (double v : x) mean += v / n;
      for (double v : x) variance += (v - mean) * (v - mean) / n;
      for (int64_t i = 0; i < width; ++i) sum += dy[i] * weight[i] * (x[i] - mean) / sqrt(variance + 1e-2);
      return sum;
    };
    central("layer_norm_gradient dx", x, t.dx, loss);
    central("layer_norm_gradient d_weight", weight, d_weight, loss);
  }
}

// dx, then d_weight, then d_bias in one piece of memory.
void run_layer_norm(jc_layer_norm_gradient_args a, const std::string& what) {
  a.workspace_bytes = jc_layer_norm_gradient_workspace(&context, &a);
  Buffer workspace(a.workspace_bytes / 4);
  a.workspace = workspace.data();
  run(jc_layer_norm_gradient, a, "layer_norm_gradient " + what);
}

void test_layer_norm_case(int64_t rows, int64_t width, Kind kind, bool residual) {
  std::string what =
      std::to_string(rows) + " x " + std::to_string(width) + ", " + kKindNames[kind] + (residual ? ", residual" : "");
  int64_t count = rows * width;
  Buffer x(count, kind, width), dy(count, kPlain, width), r(count, kPlain, width), weight(width, kPlain, width),
      d_weight(width, kPlain, width), d_bias(width, kPlain, width), dx(count);
  if (kind == kTiny) {
    for (int64_t i = 0; i < count; ++i) dy.at(i) = number(kTiny, i, width);
  }
  Buffer d_weight_before(d_weight), d_bias_before(d_bias);
  jc_layer_norm_gradient_args a = {};
  a.dy = dy.data(), a.x = x.data(), a.weight = weight.data(), a.residual = residual ? r.data() : nullptr;
  a.dx = dx.data(), a.d_weight = d_weight.data(), a.d_bias = d_bias.data();
  a.rows = rows, a.width = width, a.epsilon = 1e-5;
  run_layer_norm(a, what);
  Truth truth, wrong, of_weight, of_bias;
  double chain = static_cast<double>(rows + 3) * kUnit;
  std::vector<double> sums(4 * width);  // d_weight, its bound, d_bias, its bound
  for (int64_t row = 0; row < rows; ++row) {
    for (bool whole : {true, false}) {
      NormTruth t =
          layer_norm_truth(x.data() + row * width, dy.data() + row * width, weight.data(), width, a.epsilon, whole);
      for (int64_t i = 0; i < width; ++i) {
        double other = residual ? static_cast<double>(r.at(row * width + i)) : 0, y = t.dx[i] + other;
        (whole ? truth : wrong).add(y, t.dx_bound[i] + kUnit * (fabs(y) + fabs(t.dx[i]) + t.dx_bound[i]));
        if (!whole) continue;
        double d = dy.at(row * width + i), size = fabs(d) * (fabs(t.normal[i]) + t.normal_bound[i]);
        sums[i] += d * t.normal[i], sums[width + i] += fabs(d) * t.normal_bound[i] + chain * size;
        sums[2 * width + i] += d, sums[3 * width + i] += chain * fabs(d);
      }
    }
  }
  for (int64_t i = 0; i < width; ++i) {
    double w = d_weight_before.at(i), b = d_bias_before.at(i);
    of_weight.add(w + sums[i], sums[width + i] + chain * fabs(w));
    of_bias.add(b + sums[2 * width + i], sums[3 * width + i] + chain * fabs(b));
  }
  compare("layer_norm_gradient dx", what, dx.data(), truth);
  compare("layer_norm_gradient d_weight", what, d_weight.data(), of_weight);
  compare("layer_norm_gradient d_bias", what, d_bias.data(), of_bias);
  if (kind == kPlain && width > 2) notices("mean(g n) is left out, " + what, dx.data(), wrong);
  // In place of dy and of the residual; and no gradient of the parameters.
  a.d_weight = a.d_bias = nullptr;
  if (residual) {
    Buffer again(r);
    a.residual = again.data(), a.dx = again.data();
    run_layer_norm(a, what + ", in place of the residual");
    expect(same_bits(again.data(), dx.data(), count), "layer_norm_gradient in place of the residual differs, " + what);
    a.residual = r.data();
  }
  Buffer again(dy), one_weight(d_weight_before);
  a.dy = again.data(), a.dx = again.data(), a.d_weight = one_weight.data();
  run_layer_norm(a, what + ", in place");
  expect(same_bits(again.data(), dx.data(), count), "layer_norm_gradient in place differs, " + what);
  expect(same_bits(one_weight.data(), d_weight.data(), width), "layer_norm_gradient: d_weight alone differs, " + what);
  Buffer one_bias(d_bias_before), more(count);
  a.dy = dy.data(), a.dx = more.data(), a.d_weight = nullptr, a.d_bias = one_bias.data();
  run_layer_norm(a, what + ", d_bias alone");
  expect(same_bits(more.data(), dx.data(), count) && same_bits(one_bias.data(), d_bias.data(), width),
         "layer_norm_gradient: d_bias alone differs, " + what);
}

void test_layer_norm() {
  test_layer_norm_differences();
  for (int64_t width : {1, 2, 7, 8, 9, 15, 16, 17, 31, 33, 63, 64, 65, 127, 129, 192, 257, 512, 768, 1031}) {
    for (int64_t rows : {1, 2, 5}) test_layer_norm_case(rows, width, kPlain, rows > 1);
  }
  for (int64_t rows : {63, 64, 65, 130, 331}) test_layer_norm_case(rows, 48, kPlain, rows % 2 == 0);
  for (int kind = 0; kind < kKinds; ++kind) {
    test_layer_norm_case(9, 768, static_cast<Kind>(kind), kind % 2 == 0);
    test_layer_norm_case(70, 63, static_cast<Kind>(kind), kind % 2 == 1);
  }
  int64_t rows = 331, width = 771, live = 297, count = rows * width;
  Buffer x(count, kPlain, width), dy(count, kPlain, width), weight(width, kPlain, width), sums(2 * width, kPlain, 1);
  for (int64_t i = live * width; i < count; ++i) x.at(i) = dy.at(i) = NAN;  // nobody reads these
  jc_layer_norm_gradient_args a = {};
  a.dy = dy.data(), a.x = x.data(), a.weight = weight.data(), a.residual = x.data(), a.live = &live;
  a.rows = rows, a.width = width, a.epsilon = 1e-5;
  auto with = [&](float* out) {
    memcpy(out + count, sums.data(), static_cast<size_t>(width) * 8);
    a.dx = out, a.d_weight = out + count, a.d_bias = out + count + width;
    run_layer_norm(a, "live");
  };
  threads_agree("layer_norm_gradient", count + 2 * width, [&](float* out) {
    with(out);
    for (int64_t i = live * width; i < count; ++i)
      expect(out[i] == 0, "layer_norm_gradient: a row that is not live is not zero");
  });
  Buffer all(count + 2 * width), planned(count + 2 * width);
  with(all.data());
  a.rows = live, a.live = nullptr;
  with(planned.data());
  expect(same_bits(all.data(), planned.data(), live * width) &&
             same_bits(all.data() + count, planned.data() + count, 2 * width),
         "layer_norm_gradient: other bits when planned for more rows");
  for (int64_t row = 0; row < live; ++row) {
    Buffer one(width);
    jc_layer_norm_gradient_args b = a;
    b.x = b.residual = x.data() + row * width, b.dy = dy.data() + row * width, b.dx = one.data(), b.rows = 1;
    b.d_weight = b.d_bias = nullptr;
    run_layer_norm(b, "alone");
    expect(same_bits(one.data(), all.data() + row * width, width), "layer_norm_gradient: alone differs from batch");
  }
  Buffer none(8);
  a.dx = a.d_weight = none.data();
  refuses(jc_layer_norm_gradient, a, "layer_norm_gradient: workspace");
  a.width = 0;
  refuses(jc_layer_norm_gradient, a, "layer_norm_gradient: rows or width");
  a.width = 4, a.dy = nullptr;
  refuses(jc_layer_norm_gradient, a, "layer_norm_gradient: null");
  expect(none.all_untouched(), "layer_norm_gradient refuses, but wrote");
}

// ---- activation
// --------------------------------------------------------------------------------------------------------------

double activate(double x, int64_t activation) {
  if (activation == JC_RELU) return x < 0 ? 0 : x;
  if (activation == JC_QUICK_GELU) return x / (1 + exp(-1.702 * x));
  if (activation == JC_GELU) return 0.5 * x * erfc(-x * M_SQRT1_2);
  return x;
}

// The two terms of the slope.
void slope(double x, int64_t activation, double* first, double* second) {
  *first = activation == JC_RELU && x <= 0 ? 0 : 1;
  *second = 0;
  if (activation == JC_QUICK_GELU) {
    *first = 1 / (1 + exp(-1.702 * x));
    *second = 1.702 * x * *first / (1 + exp(1.702 * x));
  } else if (activation == JC_GELU) {
    *first = 0.5 * erfc(-x * M_SQRT1_2);
    *second = x * exp(-0.5 * x * x) / sqrt(2 * M_PI);
  }
}

void test_activation_differences() {
  for (int64_t activation = JC_IDENTITY; activation <= JC_GELU; ++activation) {
    for (double at : {-7.0, -2.5, -0.75, -0.1, 0.02, 0.9, 3.0, 8.0}) {
      std::vector<double> x{at};
      double first, second;
      slope(at, activation, &first, &second);
      central("slope of activation " + std::to_string(activation), x, {first + second},
              [&] { return activate(x[0], activation); });
    }
  }
}

void test_activation() {
  test_activation_differences();
  for (int64_t activation = JC_IDENTITY; activation <= JC_GELU; ++activation) {
    std::string op = "activation_gradient " + std::to_string(activation);
    for (int64_t count : {1, 7, 8, 15, 16, 17, 1000, 70001}) {
      Buffer x(count), dy(count, kPlain, 1);
      for (int64_t i = 0; i < count; ++i)
        x.at(i) = i % 5 == 0 ? 1e4f * next() : i % 5 == 1 ? 1e-39f * next() : i % 5 == 2 ? -0.0f : 9 * next();
      if (count > 8) dy.at(3) = 1e-40f, dy.at(8) = -1e4f, dy.at(4) = -0.0f;
      Truth truth, wrong;
      for (int64_t i = 0; i < count; ++i) {
        double first, second, up = dy.at(i), size = fabs(static_cast<double>(x.at(i)));
        slope(x.at(i), activation, &first, &second);
        // The plain version's exponents, x^2 / 2 and 1.702 x, are rounded; the fast ones carry what was rounded off.
        double plain = context.isa != JC_REF ? 0 : activation == JC_GELU ? 4 * size * size : 8 * size;
        // Where an exponential underflows, or the plain version's overflows, 0 stands for what is below this.
        double floor = context.isa == JC_REF ? 2e-28 : 1e-36;
        double bound = (10 + plain) * kUnit * (first + fabs(second)) + floor;
        truth.add((first + second) * up, activation <= JC_RELU ? 0 : bound * fabs(up));
        wrong.add(first * up, activation <= JC_RELU ? 0 : bound * fabs(up));
      }
      threads_agree(op, count, [&](float* dx) {
        jc_activation_gradient_args a = {x.data(), dy.data(), dx, count, activation};
        run(jc_activation_gradient, a, op);
        compare(op, std::to_string(count), dx, truth);
        if (activation > JC_RELU && count > 1) notices("f' without its second term", dx, wrong);
      });
      Buffer dx(count), over_x(x), over_dy(dy);
      jc_activation_gradient_args a = {x.data(), dy.data(), dx.data(), count, activation};
      run(jc_activation_gradient, a, op);
      a.dx = over_dy.data(), a.dy = over_dy.data();
      run(jc_activation_gradient, a, op + " in place of dy");
      expect(same_bits(over_dy.data(), dx.data(), count), op + ": in place of dy differs");
      a.dy = dy.data(), a.x = over_x.data(), a.dx = over_x.data();
      run(jc_activation_gradient, a, op + " in place of x");
      expect(same_bits(over_x.data(), dx.data(), count), op + ": in place of x differs");
    }
  }
  Buffer x(4, kPlain, 1), dx(4);
  jc_activation_gradient_args bad = {x.data(), x.data(), dx.data(), 4, 4};
  refuses(jc_activation_gradient, bad, "activation_gradient: activation");
  bad.activation = 0, bad.dy = nullptr;
  refuses(jc_activation_gradient, bad, "activation_gradient: null");
  expect(dx.all_untouched(), "activation_gradient refuses, but wrote");
}

}  // namespace

int main() {
  jc_threads(7);
  for (context.isa = JC_REF; context.isa <= jc_isa(); ++context.isa) {
    context.threads = 1;
    worst.clear();
    test_attention();
    test_layer_norm();
    test_activation();
    for (auto& [op, most] : worst)
      printf("%-6s %-28s largest error %.3f of its bound\n", kNames[context.isa], op.c_str(), most);
  }
  if (failures > 0) {
    printf("%d failures\n", failures);
    return 1;
  }
  printf("gradients agree with double precision, with central differences and with themselves\n");
  return 0;
}
