#include "harness.h"

namespace test {
namespace {

struct Shape {
  int sequences, tokens, heads;
  bool causal;
  std::vector<int> lengths;
  int spare = 0;
  bool cold = false;  // scores about -128: exp(-lse) overflows where a mask is missing
};

struct Set {
  std::shared_ptr<Memory> qkv, y, lse, dy, d, workspace;
};

constexpr int kDim = 64;

// One sequence and head in double: y, lse and the three gradients.
struct Reference {
  std::vector<double> y, lse, dq, dk, dv;
  Reference(const jc_bf16* q, const jc_bf16* k, const jc_bf16* v, const jc_bf16* dy, int64_t ld, int64_t ldy, int n,
            bool causal)
      : y(size_t(n) * kDim), lse(size_t(n)), dq(y), dk(y), dv(y) {
    const double scale = 0.125;
    auto dot = [](const jc_bf16* a, const jc_bf16* b) {
      double s = 0;
      for (int d = 0; d < kDim; ++d) s += double(value(a[d])) * double(value(b[d]));
      return s;
    };
    std::vector<double> p(lse.size()), dp(lse.size());
    for (int i = 0; i < n; ++i) {
      const int seen = causal ? i + 1 : n;
      double m = -INFINITY, l = 0, delta = 0;
      for (int j = 0; j < seen; ++j) m = std::max(m, p[size_t(j)] = scale * dot(q + i * ld, k + j * ld));
      for (int j = 0; j < seen; ++j) l += p[size_t(j)] = std::exp(p[size_t(j)] - m);
      lse[size_t(i)] = m + std::log(l);
      for (int j = 0; j < seen; ++j) {
        p[size_t(j)] /= l;
        dp[size_t(j)] = dot(dy + i * ldy, v + j * ld);
        for (int d = 0; d < kDim; ++d) y[size_t(i * kDim + d)] += p[size_t(j)] * double(value(v[j * ld + d]));
      }
      // The operator is given the rounded y, so its delta is that of the rounded y.
      for (int d = 0; d < kDim; ++d)
        delta += double(value(dy[i * ldy + d])) * double(from_bf16(to_bf16(float(y[size_t(i * kDim + d)]))));
      for (int j = 0; j < seen; ++j) {
        const double ds = p[size_t(j)] * (dp[size_t(j)] - delta) * scale;
        for (int d = 0; d < kDim; ++d) {
          dv[size_t(j * kDim + d)] += p[size_t(j)] * double(value(dy[i * ldy + d]));
          dq[size_t(i * kDim + d)] += ds * double(value(k[j * ld + d]));
          dk[size_t(j * kDim + d)] += ds * double(value(q[i * ld + d]));
        }
      }
    }
  }
};

Problem attention_gradient(const Shape& s, const Options& o) {
  Random random(o.seed);
  std::vector<int32_t> table;
  int64_t used = 0;
  for (int i = 0; i < s.sequences; ++i) {
    const int n = s.lengths.empty() ? s.tokens : s.lengths[size_t(i)];
    table.insert(table.end(), {int32_t(used), n, int32_t(used), n});
    used += n;
  }
  const int64_t width = int64_t(s.heads) * kDim, ld = 3 * width, rows = used + s.spare;
  auto qkv = normals<jc_bf16>(size_t(rows * ld), s.cold ? 0.5 : 1.0, random);
  for (size_t i = 0; i < qkv.size() && s.cold; ++i) {
    const int64_t column = int64_t(i) % ld;
    if (column < 2 * width) qkv[i] = to_bf16(from_bf16(qkv[i]) + (column < width ? 4.f : -4.f));
  }
  const auto dy = normals<jc_bf16>(size_t(rows * width), 1.0, random);
  Problem p;
  p.op = "attention_gradient_bf16";
  p.shape = text("bf16 B%d N%d H%d%s%s", s.sequences, s.tokens, s.heads, s.causal ? " causal" : "",
                 s.lengths.empty() ? "" : " packed") +
            (s.cold ? " cold" : "");
  for (int i = 0; i < s.sequences; ++i) {
    const double n = table[size_t(4 * i + 1)];
    p.flops += 10 * n * n * kDim * s.heads;
    p.bytes += 8 * n * double(width) * 2;
  }
  // The forward's results: in double for the checks, from our own kernel's formula for the large shapes, where they are
  // not compared.
  const bool large = double(rows) * s.tokens * s.heads > 4e6;
  std::vector<jc_bf16> y(size_t(rows * width), to_bf16(0.1f));
  std::vector<float> lse(size_t(rows * s.heads), float(std::log(s.tokens) + 0.5));
  std::vector<Reference> references;
  for (int i = 0; i < s.sequences && !large; ++i)
    for (int h = 0; h < s.heads; ++h) {
      const int64_t first = table[size_t(4 * i)];
      const int n = table[size_t(4 * i + 1)];
      const jc_bf16* q = &qkv[size_t(first * ld + h * kDim)];
      references.emplace_back(q, q + width, q + 2 * width, &dy[size_t(first * width + h * kDim)], ld, width, n,
                              s.causal);
      for (int t = 0; t < n; ++t) {
        lse[size_t(h * rows + first + t)] = float(references.back().lse[size_t(t)]);
        for (int d = 0; d < kDim; ++d)
          y[size_t((first + t) * width + h * kDim + d)] = to_bf16(float(references.back().y[size_t(t * kDim + d)]));
      }
    }
  const bool tabled = !s.lengths.empty();
  const auto mt = p.input(table);
  const auto live = p.input(std::vector<int64_t>{s.sequences});
  std::vector<Set> sets;
  for (int i = 0; i < o.sets; ++i)
    sets.push_back({p.input(qkv), p.input(y), p.input(lse), p.input(dy), p.output<jc_bf16>(size_t(rows * ld), i == 0),
                    p.output<float>(size_t(rows * s.heads), false)});
  p.run = [=](jc_context* context, int i) {
    const Set& x = sets[size_t(i)];
    const jc_bf16* q = x.qkv->at<jc_bf16>();
    jc_bf16* d = x.d->at<jc_bf16>();
    const jc_attention_gradient_bf16_args a{q,
                                            q + width,
                                            q + 2 * width,
                                            x.y->at<jc_bf16>(),
                                            x.lse->at<float>(),
                                            x.dy->at<jc_bf16>(),
                                            d,
                                            d + width,
                                            d + 2 * width,
                                            tabled ? mt->at<int32_t>() : nullptr,
                                            x.workspace->at(),
                                            4 * rows * s.heads,
                                            s.spare ? live->at<int64_t>() : nullptr,
                                            s.sequences + (s.spare ? 2 : 0),
                                            s.tokens,
                                            rows,
                                            s.heads,
                                            ld,
                                            ld,
                                            ld,
                                            width,
                                            s.causal,
                                            0.125};
    return jc_attention_gradient_bf16(context, &a);
  };
  p.compare = [=] {
    const auto d = sets[0].d->download<jc_bf16>();
    double error[3] = {}, tail = 0, finite = 0;
    if (large) {
      for (size_t i = 0; i < d.size(); i += 1009)
        if (!(std::fabs(value(d[i])) < INFINITY)) finite = 1;
      return std::vector<Measure>{{"finite (values are compared on the small shapes)", finite, 0}};
    }
    for (int i = 0; i < s.sequences; ++i)
      for (int h = 0; h < s.heads; ++h) {
        const Reference& r = references[size_t(i * s.heads + h)];
        const std::vector<double>* const ref[3] = {&r.dq, &r.dk, &r.dv};
        const int64_t first = table[size_t(4 * i)];
        const int n = table[size_t(4 * i + 1)];
        for (int part = 0; part < 3; ++part)
          for (int tile = 0; tile < n; tile += 16) {
            double difference = 0, norm = 0;
            for (int t = tile; t < std::min(tile + 16, n); ++t)
              for (int e = 0; e < kDim; ++e) {
                const double a = double(value(d[size_t((first + t) * ld + part * width + h * kDim + e)])),
                             b = (*ref[part])[size_t(t * kDim + e)];
                difference += (a - b) * (a - b);
                norm += b * b;
              }
            // The gradient of a saturated row is a difference of near equals: below 0.02 a value the error counts
            // absolutely.
            const double floor = 0.02 * 0.02 * kDim * std::min(16, n - tile);
            worst(error[part], std::sqrt(difference / std::max(norm, floor)));
          }
      }
    for (int64_t i = used * ld; i < rows * ld; ++i) worst(tail, std::fabs(double(value(d[size_t(i)]))));
    // P or dS and then the result are rounded to bf16, each by 2^-9.2 in the root mean square, as in the forward; where
    // few terms of a short sequence cancel, more of the first rounding is left. Cold: the rows of dS sum to 0, so that
    // the common part of the keys, eight times what tells them apart, cancels in dq and leaves nine times the rounding;
    // likewise dk.
    const double amplified = s.cold ? 9 : 1;
    std::vector<Measure> m{{"dq, worst tile of 16 rows", error[0], amplified * 5e-3},
                           {"dk, worst tile of 16 rows", error[1], amplified * 5e-3},
                           {"dv, worst tile of 16 rows", error[2], 4e-3}};
    if (s.spare) m.push_back({"rows after the last sequence", tail, 0});
    return m;
  };
  return p;
}

}  // namespace

void add_attention_gradient(Cases& cases) {
  auto add = [&](Shape s, bool large, bool mutates = false) {
    cases.push_back(
        {"attention_gradient_bf16", large, mutates, [=](const Options& o) { return attention_gradient(s, o); }});
  };
  for (int n : {1, 15, 16, 17, 50, 77}) add({2, n, 2, n % 2 == 1, {}}, false);
  add({1, 50, 1, false, {}}, false);
  add({1, 50, 2, false, {}, 0, true}, false);
  add({1, 100, 2, true, {}}, false, true);
  add({1, 197, 1, false, {}}, false);
  add({1, 257, 1, false, {}}, false, true);
  add({1, 577, 1, true, {}}, false);
  add({5, 77, 3, true, {1, 16, 17, 77, 3}, 4}, false);
  add({1024, 50, 12, false, {}}, true);
  add({1024, 77, 8, true, {}}, true);
  add({1024, 197, 12, false, {}}, true);
  add({256, 257, 16, false, {}}, true);
  add({256, 577, 16, false, {}}, true);
}

}  // namespace test
