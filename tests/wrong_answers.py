"""Wrong answers to the exercises, written as learners write them, each with words of the hint that it must get.

A function or class is given by what stands in place of the line with the dots, any other answer by its whole cell.
"""
WRONG = {
    '01_pixel_similarity': {
        'count_dark': [
            ('return image > 0.5', 'says for each pixel'),
            ('return (image > 0.5).float().mean()', 'share of dark pixels'),
            ('return (image >= 0.5).sum()', 'not above 0.5'),
            ('return (image != 0).sum()', 'any ink'),
            ('return image[image > 0.5].sum()', 'ink of the dark pixels'),
            ('return image.sum()', 'adds up the ink'),
            ('(image > 0.5).sum()', 'something is None'),
            ('for row in image:\n    return (row > 0.5).sum()', 'expected 3'),
        ],
        'rmse_loop': [
            ('total = 0\nfor i in range(len(a)): total += (a[i] - b[i])**2\nreturn total/len(a)', 'The root of it is missing'),
            ('total = 0\nfor i in range(len(a)): total += abs(a[i] - b[i])\nreturn total/len(a)', 'mean absolute difference'),
            ('total = 0\nfor x, y in zip(a, b): total += (x - y)**2\nreturn total**0.5', 'root of the sum'),
            ('total = 0\nfor x, y in zip(a, b): total += (x - y)**2\nreturn total**0.5/len(a)', 'division comes before the root'),
            ('total = 0\nfor x, y in zip(a, b): total += (x - y)**2\nreturn total/len(a)**0.5', 'Put the division in parentheses'),
            ('total = 0\nfor x, y in zip(a, b): total += x - y\nreturn ((total/len(a))**2)**0.5', 'cancelled'),
            ('total = 0\nfor x, y in zip(a, b):\n    total += (x - y)**2\n    return (total/len(a))**0.5', 'inside the loop'),
        ],
        'shapes': [
            ('shapes = [None, (5, 3, 28), None, (4, 4)]', 'missing sizes on the left'),
            ('shapes = [(5, 28, 28), None, None, (4, 4)]', 'a size of 1 fits anything'),
            ('shapes = [(28,), (5, 3, 28), None, (4, 4)]', 'larger number of axes'),
            ('shapes = [(5, 28, 28), (3, 28), None, (4, 4)]', 'larger number of axes'),
            ('shapes = [(5, 28, 28), (5, 1, 28), None, (4, 4)]', 'size of 1 is stretched'),
            ('shapes = [(5, 28, 28), (5, 3, 28), (5, 28, 28), (4, 4)]', 'align the shapes at the right'),
            ('shapes = [(5, 28, 28), (5, 3, 28), None, (4, 1)]', 'both are stretched'),
        ],
        'pooled_accuracy': [
            ('return (right_3s.float().mean() + right_7s.float().mean()) / 2', 'counts each class once'),
            ('return sum(right_3s) + sum(right_7s)', 'Divide by how many'),
            ('return right_3s.float().mean() + right_7s.float().mean()', 'exceed 1'),
            ('return torch.cat([right_3s, right_7s]).mean()', 'float()'),
            ('return 1 - torch.cat([right_3s, right_7s]).float().mean()', 'wrong answers'),
        ],
        'same_ink': [
            ('return images / images.mean()', 'all images together'),
            ('return images / images.mean((1, 2))', 'Which shape must they have?'),
            ('return images / images.mean(0)', 'mean image'),
            ('return images / images.mean(1, keepdim=True)', 'expected [1.6'),
            ('return images - images.mean((1, 2), keepdim=True)', 'Divide instead of subtracting'),
            ('return images / images.amax((1, 2), keepdim=True)', 'same largest value'),
            ('return images / images.sum((1, 2), keepdim=True)', 'sum of 1'),
        ],
        'nearest_is_3': [
            ('d3 = mnist_distance(images.unsqueeze(1), threes)\nd7 = mnist_distance(images.unsqueeze(1), sevens)\n'
             'return d3.mean(1) < d7.mean(1)', 'all examples'),
            ('return mnist_distance(images, threes.mean(0)) < mnist_distance(images, sevens.mean(0))', 'average example'),
            ('d3 = mnist_distance(images.unsqueeze(1), threes)\nd7 = mnist_distance(images.unsqueeze(1), sevens)\n'
             'return d3.min(1).values <= d7.min(1).values', 'equally far'),
            ('d3 = mnist_distance(images.unsqueeze(1), threes)\nd7 = mnist_distance(images.unsqueeze(1), sevens)\n'
             'return d3.max(1).values < d7.max(1).values', 'farthest'),
            ('d3 = mnist_distance(images.unsqueeze(1), threes)\nd7 = mnist_distance(images.unsqueeze(1), sevens)\n'
             'return d3.min(1).values > d7.min(1).values', 'Turn the comparison round'),
            ('return mnist_distance(images, threes) < mnist_distance(images, sevens)', 'one axis more'),
            ('return mnist_distance(images[:, None], torch.cat([threes, sevens])).argmin(1)', 'Is it a 3?'),
        ],
    },
    '02_linear_sgd': {
        'slope': [
            ('return (f(x + h) - f(x))/h', 'to the right only'),
            ('return (f(x) - f(x - h))/h', 'to the left only'),
            ('return (f(x + h) - f(x - h))/h', 'Not h'),
            ('return f(x + h) - f(x - h)', 'how much f rises'),
            ('return f(x + h) - f(x - h)/(2*h)', 'parentheses'),
            ('return (f(x + h) - f(x - h))/2*h', 'takes parentheses'),
            ('return (f(x - h) - f(x + h))/(2*h)', 'sign'),
            ('return abs(f(x + h) - f(x - h))/(2*h)', 'falls'),
        ],
        'good_lr': [
            ('good_lr = 1', 'diverges'),
            ('good_lr = 0.2', 'diverges'),
            ('good_lr = 0.001', 'crawls'),
            ('good_lr = 0.18', 'a little too large'),
            ('good_lr = -0.1', 'larger than 0'),
        ],
        'minimize': [
            ('x = start.clone().requires_grad_()\nfor i in range(steps):\n    f(x).backward()\n    x.data -= lr*x.grad\nreturn x',
             'add up'),
            ('x = start.clone().requires_grad_()\nf(x).backward()\nfor i in range(steps): x.data -= lr*x.grad\nreturn x', 'once only'),
            ('x = start.clone().requires_grad_()\nfor i in range(steps):\n    f(x).backward()\n    x.data += lr*x.grad\n'
             '    x.grad = None\nreturn x', 'uphill'),
            ('x = start.clone().requires_grad_()\nfor i in range(steps):\n    f(x).backward()\n    x.data -= lr*x.grad\n'
             '    x.grad = None\n    return x', 'one step only'),
            ('x = start.clone().requires_grad_()\nfor i in range(steps):\n    f(x).backward()\n    x -= lr*x.grad\n'
             '    x.grad = None\nreturn x', 'no_grad'),
            ('x = start.clone()\nfor i in range(steps):\n    f(x).backward()\n    x -= lr*x.grad\nreturn x', 'Is x tagged'),
            ('x = start.clone().requires_grad_()\nfor i in range(steps):\n    f(x).backward()\n    with torch.no_grad(): x = x - lr*x.grad\nreturn x',
             'with -=?'),
            ('x = start.clone().requires_grad_()\nfor i in range(steps):\n    loss = f(x)\n    loss.backward()\n'
             '    x.data -= lr*x.grad\n    x.grad = None\nreturn f(x)', 'Return where it is'),
            ('x = start.requires_grad_()\nfor i in range(steps):\n    f(x).backward()\n    x.data -= lr*x.grad\n'
             '    x.grad = None\nreturn x', 'start itself'),
            ('x = start.requires_grad_().clone()\nx = x.detach().requires_grad_()\nfor i in range(steps):\n    f(x).backward()\n    x.data -= lr*x.grad\n'
             '    x.grad = None\nreturn x', 'start has been tagged'),
        ],
        'score_accuracy': [
            ('return ((scores > 0.5) == targets).float().mean()', 'Which one is it before?'),
            ('return ((torch.sigmoid(scores) > 0) == targets).float().mean()', 'every number is above 0'),
            ('return ((scores > 0) != targets).float().mean()', 'wrong answers'),
            ('return (scores > 0) == targets', 'What share is?'),
            ('return ((scores > 0) == targets).sum()', 'how many are right'),
            ('return ((scores > 0) == targets).mean()', 'float()'),
            ('return (scores > 0).float().mean()', 'called a 3'),
            ('return ((scores >= 0) == targets).float().mean()', 'exactly 0'),
            ('return ((scores > 0) & (targets == 1)).float().mean()', '7s read correctly count'),
            ('return (scores > 0 == targets).float().mean()', 'Put the first comparison in parentheses'),
        ],
        'shuffled_batches': [
            ('order = torch.randperm(n)\nreturn [order[i:i+batch_size] for i in range(0, n - batch_size + 1, batch_size)]',
             'last batch is missing'),
            ('order = torch.randperm(n)\nreturn [order[batch_size*i:batch_size*(i+1)] for i in range(n//batch_size + 1)]', 'expected [32, 32]'),
            ('return torch.randperm(n)', 'Cut it into batches'),
            ('return torch.randperm(n).split(n//batch_size)', 'not the number of batches'),
            ('return torch.randint(n, (n,)).split(batch_size)', 'exactly once'),
            ('return (torch.randperm(n) + 1).split(batch_size)', 'exactly once'),
            ('return [torch.randperm(n)[i:i+batch_size] for i in range(0, n, batch_size)]', 'Draw one order'),
            ('return [torch.arange(i, min(i + batch_size, n)) for i in range(0, n, batch_size)]', 'not shuffled'),
            ('batches = []\nfor i in range(0, n, batch_size):\n    batch = torch.arange(i, min(i + batch_size, n))\n'
             '    batches.append(batch[torch.randperm(len(batch))])\nreturn batches', 'within their batch only'),
            ('torch.manual_seed(0)\nreturn torch.randperm(n).split(batch_size)', 'same order'),
        ],
        'train_linear': [
            ('w, b = torch.zeros(x.shape[1], 1).requires_grad_(), torch.zeros(1).requires_grad_()\nfor i in range(steps):\n'
             '    mnist_loss(x@w + b, y).backward()\n    w.data -= lr*w.grad\n    b.data -= lr*b.grad\nreturn w, b', 'add up'),
            ('w, b = torch.zeros(x.shape[1], 1).requires_grad_(), torch.zeros(1).requires_grad_()\nfor i in range(steps):\n'
             '    mnist_loss(x@w + b, y).backward()\n    for p in (w, b):\n        p.data += lr*p.grad\n        p.grad = None\n'
             'return w, b', 'uphill'),
            ('w, b = torch.zeros(x.shape[1], 1).requires_grad_(), torch.zeros(1).requires_grad_()\nfor i in range(steps):\n'
             '    mnist_loss(x@w + b, y).backward()\n    for p in (w, b):\n        p.data -= lr*p.grad\n        p.grad = None\n'
             '    return w, b', 'one step only'),
            ('w, b = torch.zeros(x.shape[1], 1).requires_grad_(), torch.zeros(1)\nfor i in range(steps):\n'
             '    mnist_loss(x@w + b, y).backward()\n    w.data -= lr*w.grad\n    w.grad = None\nreturn w, b', 'bias never moves'),
            ('w, b = torch.zeros(x.shape[1], 1).requires_grad_(), torch.zeros(1).requires_grad_()\nfor i in range(steps):\n'
             '    preds = x@w + b\n    torch.where(y == 1, 1 - preds, preds).mean().backward()\n    for p in (w, b):\n'
             '        p.data -= lr*p.grad\n        p.grad = None\nreturn w, b', 'without its sigmoid'),
            ('w, b = torch.zeros(x.shape[1], 1).requires_grad_(), torch.zeros(1).requires_grad_()\nfor i in range(steps):\n'
             '    mnist_loss(x@w + b, y).backward()\n    for p in (w, b):\n        p.data -= lr*p.grad\n        p.grad = None\n'
             'return b, w', 'weights first'),
            ('w, b = torch.zeros(x.shape[1], 1).requires_grad_(), torch.zeros(1).requires_grad_()\nfor i in range(steps):\n'
             '    mnist_loss(x@w + b, y).backward()\n    for p in (w, b):\n        p.data -= p.grad\n        p.grad = None\n'
             'return w, b', 'learning rate is missing'),
            ('w, b = torch.zeros(x.shape[1], 1).requires_grad_(), torch.zeros(1).requires_grad_()\nfor i in range(steps):\n'
             '    mnist_loss(x@w + b, y).backward()\n    for p in (w, b): p = p - lr*p.grad\n    w.grad = b.grad = None\n'
             'return w, b', 'still 0'),
        ],
    },
    '03_basic_optim': {
        'count_params': [
            ('return len(list(model.parameters()))', 'number of tensors'),
            ('return sum(p.numel() for name, p in model.named_parameters() if "weight" in name)', 'biases are missing'),
            ('return sum(len(p) for p in model.parameters())', 'first axis only'),
            ('return len(model.parameters())', 'Walk through them'),
            ('for p in model.parameters(): return p.numel()', 'first tensor only'),
        ],
        'smooth': [
            ('average, shown = 0, []\nfor loss in losses:\n    average = beta*average + (1 - beta)*loss\n    shown.append(average)\n'
             'return shown', 'is missing'),
            ('average, shown = 0, []\nfor n, loss in enumerate(losses, 1):\n    average = beta*average + (1 - beta)*loss\n'
             '    average = average/(1 - beta**n)\n    shown.append(average)\nreturn shown', 'Keep the two apart'),
            ('average, shown = 0, []\nfor n, loss in enumerate(losses, 1):\n    average = (1 - beta)*average + beta*loss\n'
             '    shown.append(average/(1 - (1 - beta)**n))\nreturn shown', 'changed places'),
            ('average, shown = 0, []\nfor n, loss in enumerate(losses):\n    average = beta*average + (1 - beta)*loss\n'
             '    shown.append(average/(1 - beta**n))\nreturn shown', 'not 0'),
            ('average, shown = 0, []\nfor n, loss in enumerate(losses, 1):\n    average = beta*average + (1 - beta)*loss\n'
             '    shown.append(average/(1 - beta**(n + 1)))\nreturn shown', 'one too large'),
            ('average = 0\nfor n, loss in enumerate(losses, 1): average = beta*average + (1 - beta)*loss\n'
             'return average/(1 - beta**n)', 'last one only'),
            ('return [sum(losses[:n])/n for n in range(1, len(losses) + 1)]', 'plain mean'),
        ],
        'weight_decay': [
            ('for p in self.params: p.data -= self.lr*p.grad', 'no decay'),
            ('for p in self.params: p.data -= self.lr*(p.grad - self.wd*p.data)', 'away from 0'),
            ('for p in self.params: p.data = p.data - self.lr*p.grad - self.wd*p.data', 'decay is not multiplied'),
            ('for p in self.params: p.data -= p.grad + self.lr*self.wd*p.data', 'gradient is not multiplied'),
            ('for p in self.params: p.data -= self.lr*(p.grad + self.wd)', 'wd times the parameter'),
            ('for p in self.params: p.data -= self.lr*self.wd*p.data', 'gradient is missing'),
            ('for p in self.params: p.grad + self.wd*p', 'no parameter has moved'),
            ('for p in self.params: p -= self.lr*(p.grad + self.wd*p)', 'Use p.data'),
        ],
        'adagrad': [
            ('for i, p in enumerate(self.params):\n    self.sums[i] = p.grad**2\n'
             '    p.data -= self.lr*p.grad/(self.sums[i].sqrt() + 1e-10)', 'last square only'),
            ('for i, p in enumerate(self.params):\n    self.sums[i] += p.grad**2\n'
             '    p.data -= self.lr*p.grad/(self.sums[i] + 1e-10)', 'root is missing'),
            ('for i, p in enumerate(self.params):\n    self.sums[i] += p.grad\n'
             '    p.data -= self.lr*p.grad/(self.sums[i].sqrt() + 1e-10)', 'without being squared'),
            ('for i, p in enumerate(self.params):\n    self.sums[i] += (p.grad**2).sum()\n'
             '    p.data -= self.lr*p.grad/(self.sums[i].sqrt() + 1e-10)', 'share one sum'),
            ('for p, s in zip(self.params, self.sums):\n    s = s + p.grad**2\n    p.data -= self.lr*p.grad/(s.sqrt() + 1e-10)', 'would make a new tensor'),
            ('for p, s in zip(self.params, self.sums):\n    s += p.grad**2\n    p.data -= self.lr*p.grad', 'not divided'),
            ('for p, s in zip(self.params, self.sums):\n    s += p.grad**2\n    p.data -= p.grad/(s.sqrt() + 1e-10)', 'multiplied by the learning rate'),
            ('for p, s in zip(self.params, self.sums):\n    s += p.grad**2\n    p.data -= self.lr*p.grad/s.sqrt()', 'Add 1e-10'),
            ('for p, s in zip(self.params, self.sums):\n    p.data -= self.lr*p.grad/(s.sqrt() + 1e-10)\n    s += p.grad**2',
             'Add first'),
            ('for p, s in zip(self.params, self.sums):\n    s += p.grad**2\n    p -= self.lr*p.grad/(s.sqrt() + 1e-10)', 'Use p.data'),
        ],
        'count_batches': [
            ('def before_fit(self): self.n = 0\ndef after_batch(self): self.n += 1', 'validation batches'),
            ('def before_fit(self): self.n = 0\ndef after_epoch(self): self.n += 1', 'counts epochs'),
            ('def before_fit(self): self.n = 0\ndef after_training_batch(self): self.n += 1', 'name of an event'),
            ('def before_fit(self): self.n = 0\ndef after_step(self): self.n + 1', 'change self.n'),
            ('def before_epoch(self): self.n = 0\ndef after_step(self): self.n += 1', 'every epoch'),
            ('n = 0\ndef after_step(self): self.n += 1', 'counts on'),
        ],
        'train_until': [
            ('accs = []\nfor i in range(most):\n    train_epoch(model, dl, opt)\n    accs.append(validate_epoch(model, valid_dl))\n'
             'return accs', 'it goes on when'),
            ('accs = []\nfor i in range(most):\n    train_epoch(model, dl, opt)\n    accs.append(validate_epoch(model, valid_dl))\n'
             '    if accs[-1] > target: return accs\nreturn accs', 'that much or more'),
            ('accs = []\nfor i in range(most):\n    if len(accs) and accs[-1] >= target and done: break\n'
             '    done = len(accs) and accs[-1] >= target\n    train_epoch(model, dl, opt)\n'
             '    accs.append(validate_epoch(model, valid_dl))\nreturn accs', 'one epoch too late'),
            ('accs = []\nfor i in range(most):\n    train_epoch(model, dl, opt)\n    accs.append(validate_epoch(model, valid_dl))\n'
             '    if accs[-1] < target: break\nreturn accs', 'after the first epoch'),
            ('accs = []\nfor i in range(1, most):\n    train_epoch(model, dl, opt)\n    accs.append(validate_epoch(model, valid_dl))\n'
             '    if accs[-1] >= target: break\nreturn accs', 'one epoch fewer'),
            ('accs = [0]\nwhile accs[-1] < target:\n    train_epoch(model, dl, opt)\n    accs.append(validate_epoch(model, valid_dl))\n'
             'return accs[1:]', 'beyond the most epochs'),
            ('for i in range(most):\n    train_epoch(model, dl, opt)\n    acc = validate_epoch(model, valid_dl)\n'
             '    if acc >= target: break\nreturn acc', 'not only the last one'),
            ('for i in range(most):\n    train_epoch(model, dl, opt)\n    if validate_epoch(model, valid_dl) >= target: break\n'
             'return i + 1', 'not how many epochs'),
            ('accs = []\nfor i in range(most):\n    train_epoch(model, dl, opt)\n    accs.append(validate_epoch(model, dl))\n'
             '    if accs[-1] >= target: return accs\nreturn accs', 'not on the training set'),
        ],
    },
    '04_simple_net': {
        'leaky_relu': [
            ('return torch.where(x > 0, x, 0)', 'That is ReLU'),
            ('return torch.where(x > 0, x, slope*x.abs())', 'have become positive'),
            ('return x*slope', 'positive numbers are multiplied'),
            ('return torch.where(x < 0, x, slope*x)', 'changed places'),
            ('if x > 0: return x\nelse: return slope*x', 'neither true nor false'),
            ('return torch.maximum(x, 0.1*x)', 'passed in'),
            ('return torch.where(x > slope, x, slope*x)', 'expected [[-1'),
        ],
        'params_of': [
            ('return sum(widths[i]*widths[i+1] for i in range(len(widths) - 1))', 'biases are missing'),
            ('return sum(widths[i]*widths[i+1] + widths[i] for i in range(len(widths) - 1))', 'not for each input'),
            ('return sum(widths[i]*widths[i+1] + 1 for i in range(len(widths) - 1))', 'not one for all'),
            ('return sum(widths[i]*widths[i+1] for i in range(len(widths) - 1)) + sum(widths)', 'inputs have no biases'),
            ('for i in range(len(widths) - 1): return (widths[i] + 1)*widths[i+1]', 'first layer only'),
            ('return (widths[0] + 1)*widths[1] + (widths[1] + 1)*widths[2]', 'works for two layers'),
        ],
        'xor_weights': [
            ('xor_weights = [[[1, 0], [0, 1]], [0, 0], [[1], [1]], [-.5]]', 'that is OR'),
            ('xor_weights = [[[1, 0], [0, 1]], [0, 0], [[1], [1]], [-1.5]]', 'that is AND'),
            ('xor_weights = [[[1, 1], [1, 1]], [0, -1], [[-1], [2]], [.5]]', 'opposite of XOR'),
            ('xor_weights = [[[0, 0], [0, 0]], [0, 0], [[0], [0]], [0]]', 'never above 0'),
            ('xor_weights = [[[1, 1], [1, 1]], [0, 0], [[1], [1]], [1]]', 'always above 0'),
            ('xor_weights = [[[1, 1], [1, 1]], [0, 0], [[-1], [-1]], [1]]', 'only for (0, 0)'),
            ('xor_weights = [[[1, 1], [1, 1]], [0, -1], [[0], [-2]], [1]]', 'unless both are 1'),
            ('xor_weights = [[[1, 1], [1, 1]], [0, -1], [[1, -2]], [-.5]]', 'w2 is a row'),
        ],
        'collapse': [
            ('weight, bias = layers[0]\nfor w, b in layers[1:]: weight, bias = weight@w, w@bias + b\nreturn weight, bias', 'reversed'),
            ('weight, bias = layers[0]\nfor w, b in layers[1:]: weight, bias = w*weight, w@bias + b\nreturn weight, bias', 'Use @'),
            ('weight, bias = layers[0]\nfor w, b in layers[1:]: weight, bias = w@weight, bias + b\nreturn weight, bias', 'biases are added'),
            ('weight, bias = layers[0]\nfor w, b in layers[1:]: weight, bias = w@weight, b\nreturn weight, bias', 'last bias only'),
            ('if len(layers) == 1: return layers[0]\n(w1, b1), (w2, b2) = layers[0], layers[1]\nreturn w2@w1, w2@b1 + b2', 'There may be more'),
            ('(w1, b1), (w2, b2) = layers[:2]\nreturn w2@w1, w2@b1 + b2', 'not enough values'),
        ],
        'stable_cross_entropy': [
            ('p = torch.where(targets == 1, scores.sigmoid(), 1 - scores.sigmoid())\nreturn -p.log().mean()', 'becomes too large'),
            ('s = torch.where(targets == 1, scores, -scores)\nreturn torch.log(1 + torch.exp(-s)).mean()', 'becomes too large'),
            ('p = torch.where(targets == 1, scores.sigmoid(), 1 - scores.sigmoid())\nreturn -(p + 1e-10).log().mean()', 'clamped or added'),
            ('p = scores.sigmoid().clamp(1e-7, 1 - 1e-7)\nreturn -torch.where(targets == 1, p, 1 - p).log().mean()', 'clamp'),
            ('return torch.where(targets == 1, F.logsigmoid(scores), F.logsigmoid(-scores)).mean()', 'sign is missing'),
            ('return -torch.where(targets == 0, F.logsigmoid(scores), F.logsigmoid(-scores)).mean()', 'wrong way round'),
            ('return -torch.where(targets == 1, F.logsigmoid(scores), F.logsigmoid(-scores)).sum()', 'Take the mean'),
            ('return -torch.where(targets == 1, F.logsigmoid(scores), F.logsigmoid(-scores))', 'One number per image'),
            ('return -F.logsigmoid(scores).mean()', 'as a 3'),
            ('p = torch.where(targets == 1, scores.sigmoid(), 1 - scores.sigmoid())\nreturn 1 - p.mean()', 'logarithm is missing'),
        ],
        'width_sweep': [
            ('return {w: min(errors_of(w, s) for s in starts) for w in widths}', 'best start'),
            ('return {w: max(errors_of(w, s) for s in starts) for w in widths}', 'worst start'),
            ('return {w: sum(errors_of(w, s) for s in starts) for w in widths}', 'sum over the starts'),
            ('return {w: errors_of(w, starts[0]) for w in widths}', 'first start only'),
            ('result = {}\nfor w in widths:\n    for s in starts: result[w] = errors_of(w, s)\nreturn result', 'last start only'),
            ('return {w: sum(errors_of(s, w) for s in starts)/len(starts) for w in widths}', 'width first'),
            ('return [sum(errors_of(w, s) for s in starts)/len(starts) for w in widths]', 'dictionary'),
            ('result, total = {}, 0\nfor w in widths:\n    for s in starts: total += errors_of(w, s)\n    result[w] = total/len(starts)\nreturn result',
             'runs on'),
        ],
    },
    '05_resnet18': {
        'probabilities': [
            ('return scores.exp()/scores.exp().sum(0)', 'columns add up'),
            ('return scores.exp()/scores.exp().sum()', 'all images together'),
            ('return scores/scores.sum(1, keepdim=True)', 'exponential is missing'),
            ('return torch.exp(scores)/torch.exp(scores).sum(1)', 'keepdim=True'),
            ('return torch.exp(scores)', 'Divide by the sum'),
            ('return scores.sigmoid()', 'sigmoid'),
        ],
        'conv_size': [
            ('return (n + 2*padding - kernel)//stride', 'place is missing'),
            ('return (n + 2*padding - kernel)//stride + stride', 'counts once'),
            ('return (n + padding - kernel)//stride + 1', 'both sides'),
            ('return (n - 2*padding - kernel)//stride + 1', 'larger, not smaller'),
            ('import math\nreturn math.ceil((n + 2*padding - kernel)/stride) + 1', 'stick out'),
            ('return round((n + 2*padding - kernel)/stride) + 1', 'stick out'),
            ('return (n + 2*padding - kernel)/stride + 1', 'rounds down'),
            ('return (n + 2*padding - kernel + 1)//stride', 'on top'),
            ('return (n + 2*padding)//stride', 'subtract the kernel'),
        ],
        'convolve': [
            ('return F.conv2d(image[None, None], kernel.flip(0).flip(1)[None, None])[0, 0]', 'turned round'),
            ('k, l = kernel.shape\nresult = torch.zeros(image.shape[0] - k, image.shape[1] - l)\nfor i in range(len(result)):\n'
             '    for j in range(result.shape[1]): result[i, j] = (image[i:i+k, j:j+l]*kernel).sum()\nreturn result',
             'last row and column are missing'),
            ('return F.conv2d(image[None, None], kernel[None, None], padding=1)[0, 0]', 'with padding'),
            ('k, l = kernel.shape\nresult = torch.zeros(image.shape[1] - l + 1, image.shape[0] - k + 1)\n'
             'for i in range(result.shape[1]):\n'
             '    for j in range(len(result)): result[j, i] = (image[i:i+k, j:j+l]*kernel).sum()\nreturn result', 'changed places'),
            ('k, l = kernel.shape\nresult = torch.zeros(image.shape[0] - k + 1, image.shape[1] - l + 1)\nfor i in range(len(result)):\n'
             '    for j in range(result.shape[1]): result[i, j] = (image[i:i+k, j:j+l]*kernel).mean()\nreturn result', 'average'),
            ('k, l = kernel.shape\nresult = torch.zeros(image.shape[0] - k + 1, image.shape[1] - l + 1)\nfor i in range(len(result)):\n'
             '    for j in range(result.shape[1]): total = (image[i:i+k, j:j+l]*kernel).sum()\nreturn result', 'all zeros'),
            ('k, l = kernel.shape\nresult = torch.zeros(image.shape[0] - k + 1, image.shape[1] - l + 1)\nfor i in range(len(result)):\n'
             '    for j in range(result.shape[1]): result[i, j] = image[i:i+k, j:j+l]*kernel\nreturn result', 'one number'),
            ('k, l = kernel.shape\nresult = torch.zeros(image.shape[0] - k + 1, image.shape[1] - l + 1)\nfor i in range(len(result)):\n'
             '    for j in range(result.shape[1]):\n        result[i, j] = (image[i:i+k, j:j+l]*kernel).sum()\n        return result', 'first place'),
            ('k, l = kernel.shape\nresult = torch.zeros(image.shape[0] - k + 1, image.shape[1] - l + 1)\nfor i in range(len(result)):\n'
             '    for j in range(result.shape[1]): result[i, j] = image[i:i+k, j:j+l].sum()*kernel.sum()\nreturn result', 'products of sums'),
        ],
        'confusion': [
            ('counts = torch.zeros(n_classes, n_classes)\nfor t, a in zip(targets, answers): counts[a, t] += 1\nreturn counts',
             'a row is a right class'),
            ('counts = torch.zeros(n_classes, n_classes)\ncounts[targets, answers] += 1\nreturn counts', 'counted once'),
            ('counts = torch.zeros(n_classes, n_classes)\nfor t, a in zip(targets, answers): counts[t, a] += 1/len(targets)\nreturn counts',
             'those are shares. Count'),
            ('counts = torch.zeros(n_classes, n_classes)\nfor t, a in zip(targets, answers): counts[t, a] += 1\n'
             'return counts/counts.sum(1, keepdim=True)', 'shares of each row'),
            ('counts = torch.zeros(n_classes, n_classes)\nfor t, a in zip(targets, answers):\n    if t != a: counts[t, a] += 1\n'
             'return counts', 'read correctly count'),
            ('counts = torch.zeros(2, 2)\nfor t, a in zip(targets, answers):\n    if t < 2 and a < 2: counts[t, a] += 1\nreturn counts',
             'more than two classes'),
            ('n = max(targets.max(), answers.max()) + 1\ncounts = torch.zeros(n, n)\nfor t, a in zip(targets, answers): counts[t, a] += 1\nreturn counts',
             'may be missing'),
        ],
        'residual': [
            ('return self.module(x)', 'input is not added'),
            ('return x', 'input alone'),
            ('return x*self.module(x)', 'do not multiply'),
            ('x = self.module(x)\nreturn x + x', 'added to itself'),
            ('return self.module(x + self.module(x))', 'see the input once'),
            ('return self.module(x) - x', 'subtracted'),
            ('return F.relu(x + self.module(x))', 'no ReLU'),
            ('x += self.module(x)\nreturn x', 'itself has been changed'),
        ],
        'worst': [
            ('return F.cross_entropy(scores, targets, reduction="none").topk(k, largest=False).indices', 'those are the best'),
            ('return F.cross_entropy(scores, targets, reduction="none").argsort()[-k:]', 'come first'),
            ('return F.cross_entropy(scores, targets, reduction="none").sort(descending=True).values[:k]', 'Where do they stand?'),
            ('return scores.softmax(1).max(1).values.argsort()[:k]', 'least sure'),
            ('return F.cross_entropy(scores, targets, reduction="none").argsort(descending=True)', 'first k'),
            ('losses = F.cross_entropy(scores, targets, reduction="none")\norder = losses.argsort(descending=True)\n'
             'return order[scores.argmax(1)[order] != targets[order]][:k]', 'misread images only'),
            ('return scores[range(len(targets)), targets].argsort()[:k]', 'Compare losses'),
            ('return F.cross_entropy(scores, targets).topk(k).indices', 'one loss per image'),
            ('return F.cross_entropy(scores, targets, reduction="none").topk(10).indices', 'are k asked for'),
            ('losses = F.cross_entropy(scores, targets, reduction="none")\n'
             'return (losses >= losses.sort().values[-k]).nonzero()[:, 0]', 'Sort them'),
        ],
    },
    '06_tiny_cnn': {
        'conv_params': [
            ('return n_out*(kernel**2 + bias)', 'one on each channel that comes in'),
            ('return n_out*(n_in*kernel + bias)', 'kernel × kernel'),
            ('return n_in*n_out*(kernel*kernel + bias)', 'not one for each table'),
            ('return n_in*n_out*kernel**2', 'biases are missing'),
            ('return n_in*n_out*kernel**2 + bias', 'one bias in all'),
            ('return n_out*(n_in*kernel**2 + 1)', 'there are none'),
        ],
        'average_pool': [
            ('return F.max_pool2d(image[None, None], size)[0, 0]', 'largest of each square'),
            ('h, w = image.shape\nreturn image.view(h//size, size, w//size, size).sum((1, 3))', 'those are the sums'),
            ('return F.avg_pool2d(image[None, None], size, stride=1)[0, 0]', 'overlap'),
            ('return image[::size, ::size]', 'have no say'),
            ('h, w = image.shape\nreturn image.view(h//size, size, w//size, size).mean((0, 2))', 'over the squares'),
            ('h, w = image.shape\nreturn image.view(h//size, w//size, size, size).mean((2, 3))', 'cuts strips'),
            ('h, w = image.shape\nreturn image.view(h//2, 2, w//2, 2).mean((1, 3))', 'squares of 2 only'),
        ],
        'shifted': [
            ('return image.roll((dy, dx), (0, 1))', 'comes in again'),
            ('return F.pad(image, (-dx, dx, -dy, dy))', 'the other way'),
            ('return F.pad(image, (dy, -dy, dx, -dx))', 'changed places'),
            ('image[:] = F.pad(image, (dx, -dx, dy, -dy))\nreturn image', 'has been changed'),
            ('return F.pad(image, (dx, 0, dy, 0))', 'become larger'),
            ('return image', 'has not moved'),
        ],
        'centre_of_mass': [
            ('ink = image/image.sum()\nh, w = image.shape\n'
             'return (ink.sum(0)*torch.arange(w)).sum().item(), (ink.sum(1)*torch.arange(h)).sum().item()', 'changed places'),
            ('h, w = image.shape\nreturn (h - 1)/2, (w - 1)/2', 'wherever the ink is'),
            ('where = (image > 0).nonzero().float()\nreturn tuple(where.mean(0).tolist())', 'counts the same'),
            ('ink = image/image.sum()\nh, w = image.shape\n'
             'return (ink.sum(1)*torch.arange(1, h + 1)).sum().item(), (ink.sum(0)*torch.arange(1, w + 1)).sum().item()', 'counted from 1'),
            ('h, w = image.shape\nreturn (image.sum(1)*torch.arange(h)).sum().item(), (image.sum(0)*torch.arange(w)).sum().item()', 'divide by the sum'),
            ('return divmod(image.argmax().item(), image.shape[1])', 'blackest pixel'),
            ('where = (image > 0).nonzero().float()\nreturn tuple(((where.amin(0) + where.amax(0))/2).tolist())', 'middle of the box'),
        ],
        'vote': [
            ('return scores.softmax(2).mean(0)', 'Which class has the largest'),
            ('return scores.softmax(2).argmax(2)', 'Take the mean first'),
            ('return scores.argmax(2).mode(0).values', 'answers were counted'),
            ('return scores.mean(0).argmax(1)', 'scores were averaged'),
            ('return scores.softmax(0).mean(0).argmax(1)', 'over the networks. The classes'),
            ('return scores.softmax(1).mean(0).argmax(1)', 'over the images. The classes'),
            ('return scores[0].softmax(1).argmax(1)', 'first network alone'),
        ],
        'calibration_error': [
            ('bins = (confidences*n_bins).long().clamp(max=n_bins - 1)\nfound = bins.unique()\n'
             'return sum((confidences[bins == b].mean() - right[bins == b].float().mean()).abs().item() for b in found)/len(found)', 'each bin counts the same'),
            ('return abs((confidences.mean() - right.float().mean()).item())', 'opposite sign cancel'),
            ('bins = (confidences*n_bins).long().clamp(max=n_bins - 1)\ntotal = 0.\nfor b in bins.unique():\n    here = bins == b\n'
             '    total += here.sum()*(confidences[here].mean() - right[here].float().mean())**2\nreturn (total/len(right)).item()', 'those are squares'),
            ('return (confidences - right.float()).abs().mean().item()', 'means of a bin first'),
            ('bins = (confidences*n_bins).long()\ntotal = 0.\nfor b in range(n_bins):\n    here = bins == b\n'
             '    if here.any(): total += here.sum()*(confidences[here].mean() - right[here].float().mean()).abs()\nreturn (total/len(right)).item()', 'confidence 1 are left out'),
            ('bins = (confidences*10).long().clamp(max=9)\ntotal = 0.\nfor b in bins.unique():\n    here = bins == b\n'
             '    total += here.sum()*(confidences[here].mean() - right[here].float().mean()).abs()\nreturn (total/len(right)).item()', 'is a parameter'),
        ],
    },
}
