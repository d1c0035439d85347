// one file for jest: each file of tests loads the CDK, the engine and the SDK's schemas anew, which takes seconds
import './behaviour/clean-up';
import './behaviour/policies';
import './behaviour/outside';
import './behaviour/trials';
