// Contract test of contrastive_loss and contrastive_loss_gradient: every instruction set present, both losses, against double precision
// with all pairs in memory and bounds that are derived below (u = 2^-24); byte for byte against themselves under other numbers of threads
// and less workspace. The double-precision gradient itself is compared with central differences.
//
// Buffers lie between red zones; outputs and workspaces start as NaN. Each comparison is made twice: the second time with one element
// moved by three bounds, and at least to the next float, which it must notice.
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "jclip.h"

namespace {

const char* const kNames[] = {"ref", "avx2", "avx512"};
const char* const kLosses[] = {"softmax", "sigmoid"};
constexpr double kUnit = 1.0 / (1 << 24);
constexpr int64_t kZone = 64;

int failures = 0;
jc_context context;
std::map<std::string, double> worst;  // of each output: the largest error as a share of its bound

void fail(const std::string& what) {
  if (++failures <= 30) printf("FAILED %s: %s\n", kNames[context.isa], what.c_str());
}

void expect(bool condition, const std::string& what) {
  if (!condition) fail(what);
}

uint64_t state = 88172645463325252ull;
double next() {  // in [-1, 1)
  state ^= state << 13, state ^= state >> 7, state ^= state << 17;
  return static_cast<double>(static_cast<int64_t>(state)) * 0x1p-63;
}

// Floats between two red zones, at an address aligned to 64 bytes; NaN until filled.
class Buffer {
 public:
  explicit Buffer(int64_t count) : count_(count) {
    size_t bytes = static_cast<size_t>((count + 2 * kZone) * 4 + 63) / 64 * 64;
    memory_ = static_cast<float*>(aligned_alloc(64, bytes));
    memset(static_cast<void*>(memory_), 0xff, bytes);
  }
  Buffer(const Buffer&) = delete;
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

 private:
  bool untouched(int64_t i) const {
    uint32_t bits;
    memcpy(&bits, memory_ + kZone + i, 4);
    return bits == 0xffffffffu;
  }
  int64_t count_;
  float* memory_;
};

// What the features are like.
enum Features { kUnitLength, kAligned, kIdentical, kPerfect, kOpposite, kShifted, kRaw, kOutlier, kTiny, kFeatures };
const char* const kFeatureNames[] = {"unit length",   "partly aligned", "identical",
                                     "perfect pairs", "opposite pairs", "shifted",
                                     "raw",           "an outlier",     "denormals"};

struct Problem {
  int64_t rows, width;
  int64_t kind;
  Features features;
  float log_scale;
  bool with_bias;
  float bias;
  double upstream;
  Buffer image, text;

  Problem(int64_t n, int64_t d, int64_t loss, Features f, double scale, bool biased = false, float b = 0, double up = 1)
      : rows(n),
        width(d),
        kind(loss),
        features(f),
        log_scale(static_cast<float>(log(scale))),
        with_bias(biased),
        bias(b),
        upstream(up),
        image(n * d),
        text(n * d) {
    fill(image, nullptr);
    fill(text, &image);
  }

  std::string name() const {
    return std::string(kLosses[kind]) + " " + std::to_string(rows) + " x " + std::to_string(width) + ", " +
           kFeatureNames[features] + ", scale " + std::to_string(exp(log_scale));
  }

 private:
  // The texts follow the images where a pair has something in common.
  void fill(Buffer& x, const Buffer* images) {
    for (int64_t i = 0; i < rows; ++i) {
      std::vector<double> v(width);
      double squares = 0;
      for (int64_t d = 0; d < width; ++d) {
        double r = next();
        if (images != nullptr) {
          double own = images->at(i * width + d);
          if (features == kAligned) r = r / sqrt(width / 3.0) + own;
          if (features == kPerfect) r = own;
          if (features == kOpposite) r = -own;
          if (features == kShifted) r = images->at((i + 1) % rows * width + d);
        }
        if (features == kIdentical) r = d % 5 - 1.7;
        v[d] = r;
        squares += r * r;
      }
      double factor = features == kRaw || features == kOutlier || squares == 0 ? 1 : 1 / sqrt(squares);
      if (features == kOutlier && i == (images == nullptr ? rows / 3 : rows / 2))
        factor = images == nullptr ? 1e4 : 1e3;
      for (int64_t d = 0; d < width; ++d) {
        float y = static_cast<float>(v[d] * factor);
        if (features == kTiny) y = d % 3 == 0 ? -0.0f : d % 3 == 1 ? 1e-40f * static_cast<float>(v[d]) : y;
        x.at(i * width + d) = y;
      }
    }
  }
};

struct Value {
  double value;
  double bound;
};

// Everything in double precision, with what single precision may lose.
struct Truth {
  Value loss{0, 0}, d_log_scale{0, 0}, d_bias{0, 0};
  std::vector<Value> own, rows, columns, d_image, d_text;
};

double softplus(double x) { return std::max(x, 0.0) + log1p(exp(-fabs(x))); }
double logistic(double x) { return x < 0 ? exp(x) / (1 + exp(x)) : 1 / (1 + exp(-x)); }

// Similarities z and their bounds e: each of width products and sums, and the scale, which is itself rounded, lose one u of magnitudes.
struct Matrix {
  int64_t n;
  std::vector<double> z, e;
  explicit Matrix(const Problem& p) : n(p.rows), z(n * n), e(n * n) {
    double scale = exp(static_cast<double>(p.log_scale));
    for (int64_t i = 0; i < n; ++i) {
      for (int64_t j = 0; j < n; ++j) {
        double dot = 0, magnitude = 0;
        for (int64_t d = 0; d < p.width; ++d) {
          double term = static_cast<double>(p.image.at(i * p.width + d)) * p.text.at(j * p.width + d);
          dot += term;
          magnitude += fabs(term);
        }
        z[i * n + j] = scale * dot + (p.with_bias ? p.bias : 0);
        e[i * n + j] = kUnit * (scale * magnitude * static_cast<double>(p.width + 3) + fabs(z[i * n + j])) + 1e-38;
      }
    }
  }
  double at(int64_t i, int64_t j) const { return z[i * n + j]; }
  double error(int64_t i, int64_t j) const { return e[i * n + j]; }
};

// One softmax: entry k of it is similarity first + k step, `own` belongs to the pair itself.
struct Softmax {
  double log_sum = 0, loss = 0, bound = 0;
  void compute(const Matrix& m, int64_t first, int64_t step, int64_t own) {
    double largest = -INFINITY, others = 0;
    for (int64_t k = 0; k < m.n; ++k) largest = std::max(largest, m.z[first + k * step]);
    for (int64_t k = 0; k < m.n; ++k) {
      if (k != own) others += exp(m.z[first + k * step] - largest);
    }
    double z = m.z[first + own * step], below = z - largest;
    loss = log1p(others + expm1(below)) - below;
    log_sum = z + loss;
    // Perturbed similarities change the loss by at most log(1 + sum of P expm1(e)), and by no more than the largest of the
    // perturbations; then the exponentials (their argument rounded, 2.1 u), the sum of n terms and the result.
    double weighted = 0, most = 0;
    for (int64_t k = 0; k < m.n; ++k) {
      if (k == own) continue;
      double e = m.e[first + k * step] + m.e[first + own * step], p = exp(m.z[first + k * step] - log_sum);
      most = std::max(most, e);
      weighted += p * expm1(std::min(e, 50.0)) + p * kUnit * fabs(m.z[first + k * step] - largest);
    }
    bound =
        std::min(2 * weighted, most) + -expm1(-loss) * kUnit * static_cast<double>(m.n + 6) + 2 * kUnit * loss + 1e-37;
  }
};

Value sum_of(const std::vector<Value>& terms,
             double factor) {  // n u of the magnitudes for the sum itself, and the last rounding
  Value s{0, 0};
  for (const Value& t : terms) s = {s.value + t.value, s.bound + t.bound};
  return {s.value * factor, (s.bound + 2 * kUnit * fabs(s.value)) * fabs(factor) + 1e-43};
}

// d[i] = factor * sum over k of G[first(i) + k step] x[k]; n products and sums of magnitudes, and three roundings.
void products(const std::vector<Value>& g, int64_t n, bool by_column, const Buffer& x, int64_t width, double factor,
              std::vector<Value>* d) {
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t c = 0; c < width; ++c) {
      Value sum{0, 0};
      for (int64_t k = 0; k < n; ++k) {
        const Value& v = by_column ? g[k * n + i] : g[i * n + k];
        double other = x.at(k * width + c);
        sum.value += v.value * other;
        sum.bound += v.bound * fabs(other) + static_cast<double>(n + 4) * kUnit * fabs(v.value * other);
      }
      d->push_back({sum.value * factor, sum.bound * fabs(factor) + 1e-37});
    }
  }
}

// G of the softmax loss, and the scale's gradient.
std::vector<Value> softmax_gradient(const Matrix& m, const std::vector<Softmax>& rows,
                                    const std::vector<Softmax>& columns, Truth* truth) {
  int64_t n = m.n;
  std::vector<Value> g(n * n);
  std::vector<Value> scale;
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t j = 0; j < n; ++j) {
      if (i == j) {
        double p = expm1(-rows[i].loss), q = expm1(-columns[i].loss);
        g[i * n + i] = {p + q, 1.01 * (exp(-rows[i].loss) * expm1(std::min(50.0, rows[i].bound)) +
                                       exp(-columns[i].loss) * expm1(std::min(50.0, columns[i].bound))) +
                                   2 * kUnit * fabs(p + q)};
        continue;
      }
      double z = m.at(i, j), value = 0, bound = 0;
      for (int side = 0; side < 2; ++side) {
        const Softmax& s = side == 0 ? rows[i] : columns[j];
        int64_t own = side == 0 ? i : j;
        double p = exp(z - s.log_sum), away = z - m.at(own, own);
        // The exponent: z, the log sum (pair's own z and loss), and the two subtractions.
        double e = m.error(i, j) + m.error(own, own) + s.bound + 2 * kUnit * fabs(z - s.log_sum);
        double lost = std::min(1.0, p * (expm1(std::min(e, 50.0)) + 2.1 * kUnit)) + 2e-38;
        value += p;
        bound += lost;
        double moved = m.error(i, j) + m.error(own, own) + kUnit * fabs(away);
        scale.push_back({p * away, lost * (fabs(away) + moved) + p * moved + 40 * kUnit * fabs(p * away)});
      }
      g[i * n + j] = {value, bound + kUnit * value};
    }
  }
  truth->d_log_scale = sum_of(scale, 1);
  return g;
}

std::vector<Value> sigmoid_gradient(const Matrix& m, double bias, Truth* truth) {
  int64_t n = m.n;
  std::vector<Value> g(n * n), scale, plain;
  for (int64_t i = 0; i < n * n; ++i) {
    bool own = i / n == i % n;
    double z = m.z[i], y = own ? -logistic(-z) : logistic(z);
    double lost = fabs(y) * (expm1(std::min(50.0, m.e[i])) + 6 * kUnit) + 2e-38;
    lost = std::min(lost, 1.0);
    g[i] = {y, lost};
    double away = z - bias;
    scale.push_back(
        {y * away, lost * fabs(away) + (fabs(y) + lost) * (m.e[i] + kUnit * fabs(away)) + 70 * kUnit * fabs(y * away)});
    plain.push_back({y, lost + 40 * kUnit * fabs(y)});
  }
  truth->d_log_scale = sum_of(scale, 1);
  truth->d_bias = sum_of(plain, 1);
  return g;
}

Value times(const Value& v, double factor) {
  return {v.value * factor, (v.bound + 3 * kUnit * fabs(v.value)) * fabs(factor) + 1e-37};
}

Truth truth_of(const Problem& p) {
  Matrix m(p);
  Truth t;
  double n = static_cast<double>(p.rows), scale = exp(static_cast<double>(p.log_scale));
  std::vector<Value> g, terms;
  double each = p.upstream / (p.kind == JC_SIGMOID_LOSS ? n : 2 * n);
  if (p.kind == JC_SIGMOID_LOSS) {
    for (int64_t i = 0; i < p.rows * p.rows; ++i) {
      double z = i / p.rows == i % p.rows ? -m.z[i] : m.z[i], y = softplus(z);
      terms.push_back({y, std::min(m.e[i], y * expm1(std::min(50.0, m.e[i]))) + 50 * kUnit * y + 2e-38});
    }
    t.loss = sum_of(terms, 1 / n);
    for (int64_t i = 0; i < p.rows; ++i) {
      for (auto* s : {&t.own, &t.rows, &t.columns}) s->push_back({0, 0});
    }
    g = sigmoid_gradient(m, p.with_bias ? p.bias : 0, &t);
  } else {
    std::vector<Softmax> rows(p.rows), columns(p.rows);
    for (int64_t i = 0; i < p.rows; ++i) {
      rows[i].compute(m, i * p.rows, 1, i);
      columns[i].compute(m, i, p.rows, i);
      t.own.push_back({m.at(i, i), m.error(i, i)});
      t.rows.push_back({rows[i].loss, rows[i].bound});
      t.columns.push_back({columns[i].loss, columns[i].bound});
      terms.push_back({rows[i].loss, rows[i].bound});
      terms.push_back({columns[i].loss, columns[i].bound});
    }
    t.loss = sum_of(terms, 0.5 / n);
    g = softmax_gradient(m, rows, columns, &t);
  }
  t.d_log_scale = times(t.d_log_scale, each);
  t.d_bias = times(t.d_bias, each);
  products(g, p.rows, false, p.text, p.width, each * scale, &t.d_image);
  products(g, p.rows, true, p.image, p.width, each * scale, &t.d_text);
  return t;
}

// The largest error as a share of its bound; infinite where something is not finite.
double share(const float* y, const std::vector<Value>& truth, int64_t moved) {
  double most = 0;
  for (size_t i = 0; i < truth.size(); ++i) {
    double found = y[i], bound = truth[i].bound + 1e-43;
    if (static_cast<int64_t>(i) == moved) found = std::max<double>(found + 3 * bound, nextafterf(y[i], INFINITY));
    double error = fabs(found - truth[i].value);
    if (!(error <= 1e300)) return INFINITY;
    most = std::max(most, error / bound);
  }
  return most;
}

void compare(const std::string& output, const Problem& p, const float* y, const std::vector<Value>& truth) {
  double most = share(y, truth, -1);
  worst[output] = std::max(worst[output], most);
  if (most > 1) fail(output + ", " + p.name() + ": error is " + std::to_string(most) + " of its bound");
  if (share(y, truth, static_cast<int64_t>(truth.size()) / 2) <= 1)
    fail(output + ", " + p.name() + ": the comparison does not notice a wrong element");
}

// Everything the two operators write, one after the other.
struct Result {
  int64_t n, d;
  Buffer loss{1}, scale{1}, bias{1}, statistics, d_image, d_text, d_log_scale{1}, d_bias{1};
  explicit Result(const Problem& p) : n(p.rows), d(p.width), statistics(5 * n), d_image(n * d), d_text(n * d) {
    scale.at(0) = p.log_scale;
    bias.at(0) = p.bias;
    d_log_scale.at(0) = 0;
    d_bias.at(0) = 0;
  }
  std::vector<float> all() const {
    std::vector<float> v;
    for (const Buffer* b : {&loss, &statistics, &d_image, &d_text, &d_log_scale, &d_bias})
      v.insert(v.end(), b->data(), b->data() + b->count());
    return v;
  }
};

jc_contrastive_loss_args forward_args(const Problem& p, const Result& r) {
  jc_contrastive_loss_args a{};
  a.image = p.image.data(), a.text = p.text.data(), a.log_scale = r.scale.data();
  a.bias = p.with_bias ? r.bias.data() : nullptr;
  a.loss = r.loss.data(), a.statistics = r.statistics.data();
  a.rows = p.rows, a.width = p.width, a.kind = p.kind;
  return a;
}

jc_contrastive_loss_gradient_args backward_args(const Problem& p, const Result& r) {
  jc_contrastive_loss_gradient_args a{};
  a.image = p.image.data(), a.text = p.text.data(), a.log_scale = r.scale.data();
  a.bias = p.with_bias ? r.bias.data() : nullptr;
  a.statistics = r.statistics.data(), a.d_image = r.d_image.data(), a.d_text = r.d_text.data();
  a.d_log_scale = r.d_log_scale.data(), a.d_bias = r.d_bias.data();
  a.rows = p.rows, a.width = p.width, a.kind = p.kind, a.upstream = p.upstream;
  return a;
}

// With the workspace that `workspace_threads` threads are promised.
void run(const Problem& p, Result* r, int64_t workspace_threads) {
  int64_t threads = context.threads;
  jc_contrastive_loss_args forward = forward_args(p, *r);
  jc_contrastive_loss_gradient_args backward = backward_args(p, *r);
  context.threads = workspace_threads;
  forward.workspace_bytes = jc_contrastive_loss_workspace(&context, &forward);
  backward.workspace_bytes = jc_contrastive_loss_gradient_workspace(&context, &backward);
  context.threads = threads;
  {
    Buffer workspace(forward.workspace_bytes / 4);
    forward.workspace = workspace.data();
    expect(jc_contrastive_loss(&context, &forward) == JC_OK, p.name() + ": " + context.message);
  }
  Buffer workspace(backward.workspace_bytes / 4);
  backward.workspace = workspace.data();
  expect(jc_contrastive_loss_gradient(&context, &backward) == JC_OK, p.name() + ": " + context.message);
}

void test_values(const Problem& p, const Truth& t) {
  context.threads = 2;
  Result r(p);
  run(p, &r, 2);
  compare("loss", p, r.loss.data(), {t.loss});
  compare("own", p, r.statistics.data(), t.own);
  compare("row loss", p, r.statistics.data() + p.rows, t.rows);
  compare("column loss", p, r.statistics.data() + 2 * p.rows, t.columns);
  compare("d_image", p, r.d_image.data(), t.d_image);
  compare("d_text", p, r.d_text.data(), t.d_text);
  compare("d_log_scale", p, r.d_log_scale.data(), {t.d_log_scale});
  if (p.kind == JC_SIGMOID_LOSS) compare("d_bias", p, r.d_bias.data(), {t.d_bias});
  if (p.kind == JC_SOFTMAX_LOSS) expect(r.d_bias.at(0) == 0, p.name() + ": the softmax loss moves the bias");
  for (int64_t i = 0; i < p.rows; ++i) {
    expect(r.statistics.at(p.rows + i) >= 0 && r.statistics.at(2 * p.rows + i) >= 0, p.name() + ": a negative loss");
  }
}

void test_bits(const Problem& p) {
  std::vector<float> first;
  for (int64_t threads : {1, 2, 3, 7}) {
    for (int64_t workspace : {threads, int64_t{1}}) {
      context.threads = threads;
      Result r(p);
      run(p, &r, workspace);
      std::vector<float> all = r.all();
      if (first.empty()) first = all;
      expect(memcmp(first.data(), all.data(), all.size() * 4) == 0,
             p.name() + ": other bits with " + std::to_string(threads) + " threads and workspace for " +
                 std::to_string(workspace));
    }
  }
  context.threads = 1;
}

// The double-precision gradient against differences of the double-precision loss, whose inputs are moved by a power of two that
// floats of this size hold exactly.
void test_truth(int64_t kind) {
  Problem p(5, 4, kind, kAligned, 6, true, kind == JC_SIGMOID_LOSS ? -2.0f : 0.5f, 1.5);
  for (Buffer* b : {&p.image, &p.text}) {
    for (int64_t i = 0; i < b->count(); ++i) b->at(i) = roundf(b->at(i) * 4096) / 4096;
  }
  p.log_scale = 1.75f;
  constexpr float kStep = 0x1p-10f;
  Truth t = truth_of(p);
  auto check = [&](float* x, double gradient, const char* what) {
    float before = *x;
    double up[2];
    for (int k = 0; k < 2; ++k) {
      // Fourth order: (8 (f(h) - f(-h)) - (f(2h) - f(-2h))) / 12 h
      float h = k == 0 ? kStep : 2 * kStep;
      *x = before + h;
      double above = truth_of(p).loss.value;
      *x = before - h;
      up[k] = above - truth_of(p).loss.value;
    }
    *x = before;
    double slope = p.upstream * (8 * up[0] - up[1]) / (12 * static_cast<double>(kStep));
    if (!(fabs(slope - gradient) <= 1e-9 * std::max(1.0, fabs(gradient))))
      fail(std::string(kLosses[kind]) + " " + what + ": difference " + std::to_string(slope) + ", gradient " +
           std::to_string(gradient));
  };
  for (int64_t i = 0; i < 20; ++i) {
    check(&p.image.at(i), t.d_image[i].value, "d_image");
    check(&p.text.at(i), t.d_text[i].value, "d_text");
  }
  check(&p.log_scale, t.d_log_scale.value, "d_log_scale");
  check(&p.bias, t.d_bias.value, "d_bias");
}

void test_one_pair() {
  Problem p(1, 7, JC_SOFTMAX_LOSS, kRaw, 100);
  context.threads = 1;
  Result r(p);
  run(p, &r, 1);
  expect(r.loss.at(0) == 0 && r.d_log_scale.at(0) == 0, "one pair has a loss");
  for (int64_t i = 0; i < 7; ++i) expect(r.d_image.at(i) == 0 && r.d_text.at(i) == 0, "one pair has a gradient");
}

// Far more similar than any other pair: losses of 1e-30 keep their digits.
void test_saturated() {
  Problem p(40, 64, JC_SOFTMAX_LOSS, kPerfect, 90);
  Truth t = truth_of(p);
  context.threads = 1;
  Result r(p);
  run(p, &r, 1);
  for (int64_t i = 0; i < p.rows; ++i) {
    double found = r.statistics.at(p.rows + i), wanted = t.rows[i].value;
    expect(wanted < 1e-12 && fabs(found - wanted) <= 2e-4 * wanted, "a saturated row loses its digits");
    double total = 0, sum = 0;
    for (int64_t d = 0; d < p.width; ++d) {
      total += fabs(r.d_image.at(i * p.width + d) - t.d_image[i * p.width + d].value);
      sum += fabs(t.d_image[i * p.width + d].value);
    }
    expect(total <= 1e-3 * sum && sum > 0, "the gradient of a saturated row loses its digits");
  }
}

void test_accumulation() {
  Problem p(9, 8, JC_SIGMOID_LOSS, kUnitLength, 10, true, -3);
  context.threads = 1;
  Result plain(p), added(p), unwanted(p);
  run(p, &plain, 1);
  added.d_log_scale.at(0) = 100;
  added.d_bias.at(0) = -50;
  run(p, &added, 1);
  expect(added.d_log_scale.at(0) == 100 + plain.d_log_scale.at(0), "d_log_scale is not added to");
  expect(added.d_bias.at(0) == -50 + plain.d_bias.at(0), "d_bias is not added to");
  run(p, &unwanted, 1);
  jc_contrastive_loss_gradient_args a = backward_args(p, unwanted);
  a.d_log_scale = a.d_bias = nullptr;
  a.workspace_bytes = jc_contrastive_loss_gradient_workspace(&context, &a);
  Buffer workspace(a.workspace_bytes / 4);
  a.workspace = workspace.data();
  expect(jc_contrastive_loss_gradient(&context, &a) == JC_OK, "refuses absent scalars");
  expect(memcmp(unwanted.d_text.data(), plain.d_text.data(), 9 * 8 * 4) == 0, "absent scalars change a gradient");
}

template <class Args, class Change>
void refuses(int32_t (*op)(jc_context*, const Args*), Args a, const char* message, Change change) {
  change(&a);
  context.message[0] = 0;
  expect(op(&context, &a) == JC_INVALID, std::string("accepts what it must refuse: ") + message);
  expect(strstr(context.message, message) != nullptr,
         std::string("says '") + context.message + "', not '" + message + "'");
}

template <class Args>
void test_refusals(int32_t (*op)(jc_context*, const Args*), int64_t (*size)(const jc_context*, const Args*), Args a) {
  a.workspace_bytes = size(&context, &a);
  Buffer workspace(a.workspace_bytes / 4);
  a.workspace = workspace.data();
  refuses(op, a, "rows, width or kind", [](Args* b) { b->rows = 0; });
  refuses(op, a, "rows, width or kind", [](Args* b) { b->width = -1; });
  refuses(op, a, "rows, width or kind", [](Args* b) { b->kind = 7; });
  refuses(op, a, "null pointer", [](Args* b) { b->text = nullptr; });
  refuses(op, a, "aligned", [](Args* b) { b->workspace = static_cast<char*>(b->workspace) + 4; });
  refuses(op, a, "one thread", [](Args* b) { b->workspace_bytes = 60; });
}

void test_all_refusals() {
  Problem p(33, 8, JC_SOFTMAX_LOSS, kUnitLength, 1);
  context.threads = 1;
  Result r(p);
  test_refusals(jc_contrastive_loss, jc_contrastive_loss_workspace, forward_args(p, r));
  test_refusals(jc_contrastive_loss_gradient, jc_contrastive_loss_gradient_workspace, backward_args(p, r));
}

void for_each_isa(void (*test)()) {
  for (context.isa = JC_REF; context.isa <= jc_isa(); ++context.isa) test();
}

void test_problem(const Problem& p, bool bits) {
  Truth t = truth_of(p);
  for (context.isa = JC_REF; context.isa <= jc_isa(); ++context.isa) {
    test_values(p, t);
    if (bits) test_bits(p);
  }
}

}  // namespace

int main() {
  jc_threads(7);
  test_truth(JC_SOFTMAX_LOSS);
  test_truth(JC_SIGMOID_LOSS);
  // Around tiles (6 x 16, 14 x 32), panels and blocks; widths around chunks and vectors.
  for (int64_t rows : {2, 3, 13, 15, 31, 32, 33, 65, 129}) {
    for (int64_t width : {1, 7, 16, 33}) {
      test_problem(Problem(rows, width, JC_SOFTMAX_LOSS, kAligned, 14), true);
      test_problem(Problem(rows, width, JC_SIGMOID_LOSS, kAligned, 10, true, -4), true);
    }
  }
  for (int f = 0; f < kFeatures; ++f) {
    Features features = static_cast<Features>(f);
    for (double scale : {1e-3, 14.0, 100.0}) {
      test_problem(Problem(45, 24, JC_SOFTMAX_LOSS, features, scale, false, 0, 0.25), false);
      test_problem(Problem(45, 24, JC_SOFTMAX_LOSS, features, scale, true, 3), false);
      test_problem(Problem(45, 24, JC_SIGMOID_LOSS, features, scale), false);
      test_problem(Problem(45, 24, JC_SIGMOID_LOSS, features, scale, true, 60, -2), false);
      test_problem(Problem(45, 24, JC_SIGMOID_LOSS, features, scale, true, -60), false);
    }
  }
  test_problem(Problem(1037, 20, JC_SOFTMAX_LOSS, kAligned, 30), true);  // two blocks of the gradient
  test_problem(Problem(1037, 20, JC_SIGMOID_LOSS, kAligned, 10, true, -10), true);
  for (auto test : {test_one_pair, test_saturated, test_accumulation, test_all_refusals}) for_each_isa(test);
  for (const auto& [output, most] : worst) printf("%-12s largest error %.3f of its bound\n", output.c_str(), most);
  printf(failures == 0 ? "all good\n" : "%d failures\n", failures);
  return failures == 0 ? 0 : 1;
}
