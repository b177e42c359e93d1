// The operators that stream: LayerNorm, activations, AdamW.
#include "harness.h"

namespace test {
namespace {

struct NormShape {
  int rows, width;
  bool residual, in_place;
  int dead = 0;  // rows after the live ones
  double offset = 0;
};

struct NormSet {
  std::shared_ptr<Memory> x, residual, sum, y, mean, rstd;
};

template <class T>
Problem layer_norm(const NormShape& s, const Options& o) {
  constexpr bool kHalf = sizeof(T) == 2;
  Random random(o.seed);
  const size_t n = size_t(s.rows) * size_t(s.width);
  const auto x = normals<T>(n, 1.0, random, s.offset), r = normals<T>(n, 0.5, random);
  const auto weight = normals<float>(size_t(s.width), 0.3, random, 1.0),
             bias = normals<float>(size_t(s.width), 0.3, random);
  Problem p;
  p.op = kHalf ? "layer_norm_bf16" : "layer_norm";
  p.shape = text("%s %dx%d%s%s%s%s", kHalf ? "bf16" : "fp32", s.rows, s.width, s.residual ? " + residual" : "",
                 s.in_place ? " in place" : "", s.dead ? " live" : "",
                 s.offset != 0 ? text(" around %g", s.offset).c_str() : "");
  p.bytes = double(n) * sizeof(T) * (s.residual ? 4 : 2);
  const auto w = p.input(weight), b = p.input(bias);
  const auto live = p.input(std::vector<int64_t>{s.rows - s.dead});
  std::vector<NormSet> sets;
  for (int i = 0; i < o.sets; ++i) {
    NormSet t;
    t.x = p.input(x);
    if (s.residual) t.residual = p.input(r), t.sum = s.in_place ? t.residual : p.output<T>(n, i == 0);
    t.y = s.in_place ? t.x : p.output<T>(n, i == 0);
    if (kHalf) t.mean = p.output<float>(size_t(s.rows), i == 0), t.rstd = p.output<float>(size_t(s.rows), i == 0);
    sets.push_back(t);
  }
  if (s.in_place)
    p.reset = [=] {
      sets[0].x->upload(x.data());
      if (s.residual) sets[0].residual->upload(r.data());
    };
  p.run = [=](jc_context* context, int i) {
    const NormSet& t = sets[size_t(i)];
    const T* residual = t.residual ? t.residual->at<T>() : nullptr;
    T* sum = t.sum ? t.sum->at<T>() : nullptr;
    const int64_t* count = s.dead ? live->at<int64_t>() : nullptr;
    if constexpr (kHalf) {
      const jc_layer_norm_bf16_args a{
          t.x->at<T>(),        residual, w->at<float>(), b->at<float>(), sum, t.y->at<T>(), t.mean->at<float>(),
          t.rstd->at<float>(), count,    s.rows,         s.width,        1e-5};
      return jc_layer_norm_bf16(context, &a);
    } else {
      const jc_layer_norm_args a{t.x->at<T>(), residual, w->at<float>(), b->at<float>(), sum,
                                 t.y->at<T>(), count,    s.rows,         s.width,        1e-5};
      return jc_layer_norm(context, &a);
    }
  };
  p.compare = [=] {
    const auto y = sets[0].y->download<T>();
    std::vector<T> sum;
    std::vector<float> means, rstds;
    if (kHalf) means = sets[0].mean->download<float>(), rstds = sets[0].rstd->download<float>();
    if (sets[0].sum) sum = sets[0].sum->download<T>();
    double error = 0, sum_error = 0, mean_error = 0, rstd_error = 0, dead = 0;
    const int step = s.rows > 4096 ? s.rows / 500 | 1 : 1;
    for (int row = 0; row < s.rows; row += step) {
      const size_t at = size_t(row) * size_t(s.width);
      if (row >= s.rows - s.dead) {
        for (int i = 0; i < s.width; ++i) {
          worst(dead, std::fabs(double(value(y[at + size_t(i)]))));
          if (!sum.empty()) worst(dead, std::fabs(double(value(sum[at + size_t(i)]))));
        }
        continue;
      }
      std::vector<double> v(static_cast<size_t>(s.width));
      double mean = 0, variance = 0;
      for (size_t i = 0; i < v.size(); ++i) {
        v[i] = double(value(x[at + i]));
        if (s.residual) v[i] = double(value(stored<T>(double(value(x[at + i]) + value(r[at + i])))));
        if (!sum.empty()) worst(sum_error, std::fabs(double(value(sum[at + i])) - v[i]));
        mean += v[i] / s.width;
      }
      for (const double e : v) variance += (e - mean) * (e - mean) / s.width;
      const double rstd = 1 / std::sqrt(variance + 1e-5);
      Distance distance;
      for (size_t i = 0; i < v.size(); ++i)
        distance.add(double(value(y[at + i])), (v[i] - mean) * rstd * double(weight[i]) + double(bias[i]));
      worst(error, distance.relative());
      if (kHalf) {
        worst(mean_error, std::fabs(double(means[size_t(row)]) - mean) / (1 + std::fabs(mean)));
        worst(rstd_error, std::fabs(double(rstds[size_t(row)]) - rstd) / rstd);
      }
    }
    // bf16: one rounding of y, at most 2^-8 of each value (8 significant bits). fp32: sums of `width` terms in about
    // log2(width) + width / 32 steps, and the subtraction of a mean `offset` times the spread.
    const double plain = 1e-6 * (1 + std::fabs(s.offset) / 4);
    std::vector<Measure> m{{"y, worst row", error, kHalf ? 0x1p-8 + plain : plain}};
    if (s.residual) m.push_back({"sum", sum_error, 0});
    if (kHalf) m.push_back({"mean", mean_error, 1e-6}), m.push_back({"rstd, relative", rstd_error, plain});
    if (s.dead) m.push_back({"rows after the live ones", dead, 0});
    return m;
  };
  return p;
}

double activation_of(int f, double x) {
  if (f == JC_RELU) return x > 0 ? x : 0;
  if (f == JC_QUICK_GELU) return x / (1 + std::exp(-1.702 * x));
  if (f == JC_GELU) return x * 0.5 * std::erfc(-x * 0.70710678118654752440);
  return x;
}

const char* activation_name(int f) {
  static const char* const kNames[] = {"identity", "relu", "quick_gelu", "gelu"};
  return kNames[f];
}

struct ActivationSet {
  std::shared_ptr<Memory> x, y;
};

template <class T>
Problem activation(int rows, int width, int f, bool with_bias, int dead, const Options& o) {
  constexpr bool kHalf = sizeof(T) == 2;
  Random random(o.seed);
  const size_t n = size_t(rows) * size_t(width);
  auto x = normals<T>(n, 2.0, random);
  const double awkward[] = {0.0, -0.0, 1e-40, -1e-20, 30, -30, 3e4, -3e4, 6.5, -6.5, 1e30, -1e30};
  for (size_t i = 0; i < std::size(awkward) && i * 7 < n; ++i) x[i * 7] = stored<T>(awkward[i]);
  const auto bias = normals<float>(size_t(width), 1.0, random);
  Problem p;
  p.op = kHalf ? "bias_activation_bf16" : "activation";
  p.shape = text("%s %dx%d %s%s%s", kHalf ? "bf16" : "fp32", rows, width, activation_name(f),
                 with_bias ? " + bias" : "", dead ? " live" : "");
  p.bytes = 2.0 * double(n) * sizeof(T);
  const auto b = p.input(bias);
  const auto live = p.input(std::vector<int64_t>{rows - dead});
  std::vector<ActivationSet> sets;
  for (int i = 0; i < o.sets; ++i) sets.push_back({p.input(x), p.output<T>(n, i == 0)});
  p.run = [=](jc_context* context, int i) {
    const ActivationSet& t = sets[size_t(i)];
    if constexpr (kHalf) {
      const jc_bias_activation_bf16_args a{t.x->at<T>(),
                                           with_bias ? b->at<float>() : nullptr,
                                           t.y->at<T>(),
                                           dead ? live->at<int64_t>() : nullptr,
                                           rows,
                                           width,
                                           f};
      return jc_bias_activation_bf16(context, &a);
    } else {
      const jc_activation_args a{t.x->at<T>(), t.y->at<T>(), int64_t(n), f};
      return jc_activation(context, &a);
    }
  };
  p.compare = [=] {
    const auto y = sets[0].y->download<T>();
    double error = 0, tail = 0;
    const size_t step = n > 4000000 ? 997 : 1;
    for (size_t i = 0; i < n; i += step) {
      if (i >= size_t(rows - dead) * size_t(width)) {
        worst(tail, std::fabs(double(value(y[i]))));
        continue;
      }
      const double v = double(value(x[i])) + (with_bias ? double(bias[i % size_t(width)]) : 0);
      const double ref = activation_of(f, double(float(v)));
      // In units of what is allowed: a rounding of the result, and the approximations' absolute error.
      const double allowed = kHalf ? std::fabs(ref) * 0x1.02p-8 + (f == JC_GELU ? 2e-7 * (1 + std::fabs(v)) : 1e-30)
                                   : std::fabs(ref) * 1.5e-6 + 4e-7 * (f == JC_GELU ? std::fabs(v) : 0) + 1e-37;
      worst(error, std::fabs(double(value(y[i])) - ref) / allowed);
    }
    std::vector<Measure> m{{"y, in units of the allowed error", error, 1}};
    if (dead) m.push_back({"rows after the live ones", tail, 0});
    return m;
  };
  return p;
}

// Two tensors in three chunks and a short tail; on a GPU the parameters of a ViT-B/32.
Problem adamw(int64_t count, bool skip, const Options& o) {
  Random random(o.seed);
  const auto p0 = normals<float>(size_t(count), 0.02, random), m0 = normals<float>(size_t(count), 1e-3, random),
             g0 = normals<float>(size_t(count), 1e-2, random);
  auto v0 = normals<float>(size_t(count), 1e-3, random);
  for (float& v : v0) v = v * v;
  Problem p;
  p.op = "adamw";
  p.shape = text("%lld parameters%s", (long long)count, skip ? " skipped" : "");
  p.bytes = 30.0 * double(count);
  const auto mp = p.input(p0), mm = p.input(m0), mv = p.input(v0), mg = p.input(g0);
  const auto copy = p.output<jc_bf16>(size_t(count), !skip);
  p.outputs.insert(p.outputs.end(), {mp, mm, mv});
  std::vector<jc_adamw_chunk> chunks;
  const int64_t size = count > 100000 ? 65536 : 600;
  for (int64_t at = 0; at < count; at += size)
    chunks.push_back({mp->at<float>() + at, mm->at<float>() + at, mv->at<float>() + at, mg->at<float>() + at,
                      copy->at<jc_bf16>() + at, std::min(size, count - at), at == 0 ? 0 : 1});
  const jc_adamw_step step{5e-4, 1 - std::pow(0.9, 7), 1 - std::pow(0.98, 7), 0.5, skip};
  const auto table = p.input(chunks);
  const auto state = p.input(std::vector<jc_adamw_step>{step});
  p.reset = [=] {
    mp->upload(p0.data());
    mm->upload(m0.data());
    mv->upload(v0.data());
  };
  p.run = [=](jc_context* context, int) {
    const jc_adamw_args a{
        table->at<jc_adamw_chunk>(), state->at<jc_adamw_step>(), int64_t(chunks.size()), 0.9, 0.98, 1e-6, 0.2};
    return jc_adamw(context, &a);
  };
  p.compare = [=] {
    const auto rp = mp->download<float>(), rm = mm->download<float>(), rv = mv->download<float>();
    const auto rc = copy->download<jc_bf16>();
    double ep = 0, em = 0, ev = 0, ec = 0, changed = 0;
    for (size_t i = 0; i<size_t(count); i += count> 4000000 ? 997 : 1) {
      const double g = double(g0[i]) * step.clip, m = 0.9 * double(m0[i]) + 0.1 * g,
                   v = 0.98 * double(v0[i]) + 0.02 * g * g;
      const double keep = int64_t(i) < size ? 1 : 1 - step.learning_rate * 0.2;
      const double ref =
          double(p0[i]) * keep - step.learning_rate / step.correction1 * m / (std::sqrt(v / step.correction2) + 1e-6);
      if (skip) {
        if (rp[i] != p0[i] || rm[i] != m0[i] || rv[i] != v0[i]) changed = 1;
        continue;
      }
      worst(ep, std::fabs(double(rp[i]) - ref));
      worst(em, std::fabs(double(rm[i]) - m));
      worst(ev, std::fabs(double(rv[i]) - v) / v);
      if (rc[i] != to_bf16(rp[i])) ec = 1;
    }
    if (skip) return std::vector<Measure>{{"a skipped step changes nothing", changed, 0}};
    return std::vector<Measure>{
        {"p, absolute", ep, 2e-8}, {"m, absolute", em, 1e-9}, {"v, relative", ev, 4e-7}, {"copy is p rounded", ec, 0}};
  };
  return p;
}

}  // namespace

void add_layer_norm(Cases& cases) {
  auto half = [&](NormShape s, bool large = false) {
    cases.push_back({"layer_norm_bf16", large, !large, [=](const Options& o) { return layer_norm<jc_bf16>(s, o); }});
  };
  auto plain = [&](NormShape s, bool large = false) {
    cases.push_back({"layer_norm", large, !large, [=](const Options& o) { return layer_norm<float>(s, o); }});
  };
  for (int width : {8, 256, 264, 512, 768, 1024, 1280, 2048}) half({9, width, width % 512 == 0, false});
  half({5, 768, true, true});
  half({5, 768, false, true});
  half({20, 64, true, false, 11});
  half({3, 768, true, false, 0, 100});
  for (int width : {1, 5, 31, 33, 4, 128, 132, 512, 768, 1000, 1024, 2048, 2052})
    plain({9, width, width % 2 == 0, false});
  plain({5, 768, true, true});
  plain({5, 33, true, true});
  plain({20, 64, true, false, 11});
  plain({20, 7, true, false, 3});
  plain({3, 512, false, false, 0, 1000});
  for (const auto& [rows, width] : {std::pair{51200, 768}, {78848, 512}, {65792, 1024}}) {
    half({rows, width, false, false}, true);
    half({rows, width, true, false}, true);
  }
  plain({51200, 768, true, false}, true);
}

void add_activation(Cases& cases) {
  for (int f : {JC_IDENTITY, JC_RELU, JC_QUICK_GELU, JC_GELU}) {
    cases.push_back({"bias_activation_bf16", false, true,
                     [=](const Options& o) { return activation<jc_bf16>(13, 1032, f, true, 0, o); }});
    cases.push_back({"bias_activation_bf16", false, true,
                     [=](const Options& o) { return activation<jc_bf16>(6, 8, f, false, 0, o); }});
    cases.push_back(
        {"activation", false, true, [=](const Options& o) { return activation<float>(1, 3001, f, false, 0, o); }});
  }
  cases.push_back({"bias_activation_bf16", false, true,
                   [=](const Options& o) { return activation<jc_bf16>(11, 64, JC_GELU, true, 6, o); }});
  for (int f : {JC_QUICK_GELU, JC_GELU})
    cases.push_back({"bias_activation_bf16", true, false,
                     [=](const Options& o) { return activation<jc_bf16>(51200, 3072, f, true, 0, o); }});
  cases.push_back({"activation", true, false,
                   [=](const Options& o) { return activation<float>(51200, 3072, JC_QUICK_GELU, false, 0, o); }});
}

void add_adamw(Cases& cases) {
  for (int64_t count : {1, 599, 1210})
    cases.push_back({"adamw", false, true, [=](const Options& o) { return adamw(count, false, o); }});
  cases.push_back({"adamw", false, true, [=](const Options& o) { return adamw(1000, true, o); }});
  cases.push_back({"adamw", true, false, [=](const Options& o) { return adamw(151277313, false, o); }});
}

}  // namespace test
