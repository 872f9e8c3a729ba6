//! CloudFormation over the Query protocol: stacks of the resource types that connect an account, and nothing else of it.
//!
//! Shapes and codes are those of the service's model (2010-05-15); types, their regions and the capability those of
//! docs/aws-facts.md 6.1 and 6.2. What takes AWS a minute is done at once, and a stack is made whole or not at all.

mod resources;
mod template;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;

use crate::form::Form;
use crate::iam::{Identity, allowed_at_home};
use crate::state::State;
use crate::wire::{Failure, element};
use resources::Made;
use template::{Resolver, Template};

/// XML namespace of all its answers.
pub const NAMESPACE: &str = "http://cloudformation.amazonaws.com/doc/2010-05-15/";

/// A stack.
#[derive(Debug, Clone)]
pub struct Stack {
    name: String,
    account: String,
    region: String,
    created: Timestamp,
    status: Status,
    reason: Option<String>,
    /// What was asked for last, and whether it was carried out.
    change_set: ChangeSet,
    /// By the template's name.
    made: BTreeMap<String, Made>,
    outputs: BTreeMap<String, String>,
    events: Vec<Event>,
}

/// What a stack is to become.
#[derive(Debug, Clone)]
struct ChangeSet {
    name: String,
    template: Template,
    parameters: BTreeMap<String, String>,
    executed: bool,
    /// The template and its parameters are those of the stack as it is.
    empty: bool,
}

/// What became of one resource.
#[derive(Debug, Clone)]
struct Event {
    at: Timestamp,
    resource: String,
    kind: String,
    status: &'static str,
    reason: Option<String>,
}

/// The statuses a stack of the sandbox can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Status {
    /// A change set for a new stack is there, and the stack is not.
    ReviewInProgress,
    CreateComplete,
    UpdateComplete,
    /// It could not be made, and nothing of it is there.
    RollbackComplete,
    /// It could not be changed, and is as it was.
    UpdateRollbackComplete,
}

impl Status {
    fn as_str(self) -> &'static str {
        match self {
            Self::ReviewInProgress => "REVIEW_IN_PROGRESS",
            Self::CreateComplete => "CREATE_COMPLETE",
            Self::UpdateComplete => "UPDATE_COMPLETE",
            Self::RollbackComplete => "ROLLBACK_COMPLETE",
            Self::UpdateRollbackComplete => "UPDATE_ROLLBACK_COMPLETE",
        }
    }

    /// True if there is a stack that can be changed.
    fn stands(self) -> bool {
        matches!(self, Self::CreateComplete | Self::UpdateComplete | Self::UpdateRollbackComplete)
    }
}

/// Performs one operation and gives the inside of its result element.
pub fn perform(
    state: &mut State,
    identity: &Identity,
    form: &Form,
    region: &str,
    now: Timestamp,
) -> Result<String, Failure> {
    let call = Call { identity, form, region, now };
    match form.action() {
        "CreateChangeSet" => call.create_change_set(state),
        "DescribeChangeSet" => call.describe_change_set(state),
        "ExecuteChangeSet" => call.execute_change_set(state),
        "DescribeStacks" => call.describe_stacks(state),
        "DescribeStackEvents" => call.describe_stack_events(state),
        "GetTemplateSummary" => call.template_summary(state),
        "DeleteStack" => call.delete_stack(state),
        other => {
            Err(Failure::new(400, "InvalidAction", format!("The sandbox has no cloudformation:{other}.")))
        }
    }
}

fn invalid(message: impl Into<String>) -> Failure {
    Failure::new(400, "ValidationError", message)
}

/// Whether the caller may: for the service's own actions, and for what it does on the caller's behalf.
fn authorize(identity: &Identity, action: &str, resource: &str) -> Result<(), Failure> {
    allowed_at_home(identity, action, resource).map_err(|message| Failure::new(403, "AccessDenied", message))
}

/// One call and who makes it.
struct Call<'a> {
    identity: &'a Identity,
    form: &'a Form,
    region: &'a str,
    now: Timestamp,
}

impl Call<'_> {
    fn needed(&self, name: &str) -> Result<&str, Failure> {
        self.form.get(name).ok_or_else(|| invalid(format!("{name} is missing.")))
    }

    /// The ARN of the stack that is named, by its name or its ARN.
    fn stack_id(&self, state: &State) -> Option<String> {
        let named = self.form.get("StackName")?;
        let of_caller = |stack: &Stack| stack.account == self.identity.account && stack.region == self.region;
        let mut stacks = state.stacks.iter().filter(|(_, stack)| of_caller(stack));
        stacks.find(|(id, stack)| *id == named || stack.name == named).map(|(id, _)| id.clone())
    }

    fn authorize(&self, name: &str) -> Result<(), Failure> {
        let resource =
            format!("arn:aws:cloudformation:{}:{}:stack/{name}/*", self.region, self.identity.account);
        authorize(self.identity, &format!("cloudformation:{}", self.form.action()), &resource)
    }

    fn create_change_set(&self, state: &mut State) -> Result<String, Failure> {
        let (name, change_set) = (self.needed("StackName")?, self.needed("ChangeSetName")?);
        self.authorize(name)?;
        let is_name = |text: &str| {
            text.starts_with(|first: char| first.is_ascii_alphabetic())
                && text.len() <= 128
                && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        };
        if !is_name(name) || !is_name(change_set) {
            return Err(invalid("Stack and change set names take 1 to 128 letters, digits and -."));
        }
        let known = self.stack_id(state);
        let standing =
            known.as_ref().and_then(|id| state.stacks.get(id)).filter(|stack| stack.status.stands());
        let wants_update = self.form.get("ChangeSetType") != Some("CREATE");
        let there = known.as_ref().map(|id| (id, state.stacks[id].status));
        match (there, wants_update) {
            (Some((id, status)), true) if !status.stands() => {
                let status = status.as_str();
                return Err(invalid(format!("Stack:{id} is in {status} state and can not be updated.")));
            }
            (None, true) => return Err(invalid(format!("Stack [{name}] does not exist"))),
            (Some((_, Status::ReviewInProgress)) | None, false) | (Some(_), true) => {}
            (Some((id, _)), false) => {
                return Err(invalid(format!("Stack [{id}] already exists and cannot be created again")));
            }
        }
        let template = Template::parse(self.needed("TemplateBody")?)?;
        let parameters = self.parameters(&template, standing.map(|stack| &stack.change_set.parameters))?;
        template.check_capabilities(&self.form.list("Capabilities"))?;
        template.check_region(self.region)?;
        let empty = standing.is_some_and(|stack| {
            stack.change_set.template == template && stack.change_set.parameters == parameters
        });
        let change_set =
            ChangeSet { name: change_set.to_owned(), template, parameters, executed: false, empty };
        let id = known.unwrap_or_else(|| self.new_id("stack", name));
        let set_id = self.new_id("changeSet", &change_set.name);
        match state.stacks.get_mut(&id) {
            Some(stack) => stack.change_set = change_set,
            None => {
                let stack = self.new_stack(name, change_set);
                state.stacks.insert(id.clone(), stack);
            }
        }
        Ok(element("Id", &set_id) + &element("StackId", &id))
    }

    fn new_id(&self, kind: &str, name: &str) -> String {
        let account = &self.identity.account;
        format!("arn:aws:cloudformation:{}:{account}:{kind}/{name}/{}", self.region, uuid::Uuid::new_v4())
    }

    fn new_stack(&self, name: &str, change_set: ChangeSet) -> Stack {
        Stack {
            name: name.to_owned(),
            account: self.identity.account.clone(),
            region: self.region.to_owned(),
            created: self.now,
            status: Status::ReviewInProgress,
            reason: None,
            change_set,
            made: BTreeMap::new(),
            outputs: BTreeMap::new(),
            events: Vec::new(),
        }
    }

    /// The parameters' values: those given, those kept, and the template's defaults.
    fn parameters(
        &self,
        template: &Template,
        kept: Option<&BTreeMap<String, String>>,
    ) -> Result<BTreeMap<String, String>, Failure> {
        let mut given = BTreeMap::new();
        for (key, number) in (1..).map_while(|number| {
            Some((self.form.get(&format!("Parameters.member.{number}.ParameterKey"))?, number))
        }) {
            let of = |member: &str| self.form.get(&format!("Parameters.member.{number}.{member}"));
            let value = match of("UsePreviousValue") {
                Some("true") => kept.and_then(|kept| kept.get(key)).map(String::as_str),
                _ => of("ParameterValue"),
            };
            given.extend(value.map(|value| (key.to_owned(), value.to_owned())));
        }
        template.parameters_from(given)
    }

    /// The stack whose change set is named, by the set's name or ARN.
    fn change_set<'s>(&self, state: &'s mut State) -> Result<(String, &'s mut Stack), Failure> {
        let named = self.needed("ChangeSetName")?;
        let name = named.split('/').nth(1).unwrap_or(named);
        let absent = || Failure::new(404, "ChangeSetNotFound", format!("ChangeSet [{named}] does not exist"));
        let (account, region) = (&self.identity.account, self.region);
        let of_caller = |stack: &Stack| stack.account == *account && stack.region == region;
        let stack = self.form.get("StackName");
        let mut stacks = state.stacks.iter_mut().filter(|(id, candidate)| {
            of_caller(candidate)
                && candidate.change_set.name == name
                && stack.is_none_or(|stack| candidate.name == stack || **id == stack)
        });
        stacks.next().map(|(id, stack)| (id.clone(), stack)).ok_or_else(absent)
    }

    fn describe_change_set(&self, state: &mut State) -> Result<String, Failure> {
        let (id, stack) = self.change_set(state)?;
        self.authorize(&stack.name)?;
        let set = &stack.change_set;
        let (status, execution) = match (set.empty, set.executed) {
            (true, _) => ("FAILED", "UNAVAILABLE"),
            (_, true) => ("CREATE_COMPLETE", "EXECUTE_COMPLETE"),
            (_, false) => ("CREATE_COMPLETE", "AVAILABLE"),
        };
        let unchanged = "The submitted information didn't contain changes. Submit different information to create a change set.";
        Ok([
            element("ChangeSetName", &set.name),
            element("StackId", &id),
            element("StackName", &stack.name),
            element("Status", status),
            element("ExecutionStatus", execution),
            if set.empty { element("StatusReason", unchanged) } else { String::new() },
            "<Changes/>".to_owned(),
        ]
        .concat())
    }

    fn execute_change_set(&self, state: &mut State) -> Result<String, Failure> {
        let (id, stack) = self.change_set(state)?;
        self.authorize(&stack.name)?;
        if stack.change_set.empty || stack.change_set.executed {
            let message =
                format!("ChangeSet [{}] cannot be executed in its current status", stack.change_set.name);
            return Err(Failure::new(400, "InvalidChangeSetStatus", message));
        }
        stack.change_set.executed = true;
        let mut stack = stack.clone();
        let before = (state.world.clone(), stack.made.clone());
        let was_there = stack.status.stands();
        let mut events = Vec::new();
        let done = self.carry_out(state, &mut stack, &mut events);
        stack.events.extend(events);
        stack.reason = done.as_ref().err().map(|failure| failure.message.clone());
        stack.status = match (&done, was_there) {
            (Ok(()), false) => Status::CreateComplete,
            (Ok(()), true) => Status::UpdateComplete,
            (Err(_), false) => Status::RollbackComplete,
            (Err(_), true) => Status::UpdateRollbackComplete,
        };
        if done.is_err() {
            (state.world, stack.made) = before;
        }
        state.stacks.insert(id, stack);
        Ok(String::new())
    }

    /// Makes or changes every resource, each after those it refers to.
    fn carry_out(
        &self,
        state: &mut State,
        stack: &mut Stack,
        events: &mut Vec<Event>,
    ) -> Result<(), Failure> {
        let ChangeSet { template, parameters, .. } = stack.change_set.clone();
        let mut resolver = Resolver {
            parameters: &parameters,
            account: &self.identity.account,
            region: self.region,
            made: BTreeMap::new(),
        };
        for (name, resource) in template.in_order()? {
            let properties = resolver.resolve(&resource.properties)?;
            let place = resources::Place { identity: self.identity, region: self.region, now: self.now };
            let made = place.make(state, &resource.kind, &properties, stack.made.get(name));
            events.push(Event {
                at: self.now,
                resource: name.clone(),
                kind: resource.kind.clone(),
                status: if made.is_ok() { "CREATE_COMPLETE" } else { "CREATE_FAILED" },
                reason: made.as_ref().err().map(|failure| failure.message.clone()),
            });
            let mut made = made?;
            made.retained = resource.retained;
            resolver.made.insert(name.clone(), made.clone());
            stack.made.insert(name.clone(), made);
        }
        let gone: Vec<String> =
            stack.made.keys().filter(|name| !resolver.made.contains_key(*name)).cloned().collect();
        for made in gone.iter().filter_map(|name| stack.made.remove(name)).filter(|made| !made.retained) {
            made.unmake(state, &self.identity.account);
        }
        stack.outputs = template
            .outputs
            .iter()
            .map(|(name, value)| Ok((name.clone(), text(&resolver.resolve(value)?))))
            .collect::<Result<_, Failure>>()?;
        Ok(())
    }

    fn describe_stacks(&self, state: &State) -> Result<String, Failure> {
        self.authorize(self.form.get("StackName").unwrap_or("*"))?;
        let id = self.stack_id(state);
        if let (Some(name), None) = (self.form.get("StackName"), &id) {
            return Err(invalid(format!("Stack with id {name} does not exist")));
        }
        let shown = state.stacks.iter().filter(|(known, stack)| {
            id.as_ref().map_or(stack.account == self.identity.account && stack.region == self.region, |id| {
                id == *known
            })
        });
        let stacks: String = shown.map(|(id, stack)| stack.shown(id)).collect();
        Ok(format!("<Stacks>{stacks}</Stacks>"))
    }

    fn describe_stack_events(&self, state: &State) -> Result<String, Failure> {
        let name = self.needed("StackName")?;
        self.authorize(name)?;
        let id = self.stack_id(state).ok_or_else(|| invalid(format!("Stack [{name}] does not exist")))?;
        let stack = &state.stacks[&id];
        let events: String =
            stack.events.iter().rev().enumerate().map(|(n, event)| event.shown(n, &id, stack)).collect();
        Ok(format!("<StackEvents>{events}</StackEvents>"))
    }

    /// Of a stack, or of a template that is given.
    fn template_summary(&self, state: &State) -> Result<String, Failure> {
        self.authorize(self.form.get("StackName").unwrap_or("*"))?;
        let Some(name) = self.form.get("StackName") else {
            return Ok(Template::parse(self.needed("TemplateBody")?)?.summary());
        };
        let id = self.stack_id(state).ok_or_else(|| invalid(format!("Stack [{name}] does not exist")))?;
        Ok(state.stacks[&id].change_set.template.summary())
    }

    fn delete_stack(&self, state: &mut State) -> Result<String, Failure> {
        let name = self.needed("StackName")?;
        self.authorize(name)?;
        let Some(id) = self.stack_id(state) else { return Ok(String::new()) };
        let made = std::mem::take(&mut state.stacks.get_mut(&id).expect("just found").made);
        for made in made.values().filter(|made| !made.retained) {
            made.unmake(state, &self.identity.account);
        }
        state.stacks.remove(&id);
        Ok(String::new())
    }
}

/// A resolved value as text.
fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// The same, or nothing.
fn element_if(name: &str, text: Option<&String>) -> String {
    text.map(|text| element(name, text)).unwrap_or_default()
}

impl Stack {
    fn shown(&self, id: &str) -> String {
        let shown = |name: &str, value: &str| match self.change_set.template.is_secret(name) {
            true => element("ParameterValue", "****"),
            false => element("ParameterValue", value),
        };
        let parameters = self.change_set.parameters.iter().map(|(name, value)| {
            format!("<member>{}{}</member>", element("ParameterKey", name), shown(name, value))
        });
        let outputs = self.outputs.iter().map(|(name, value)| {
            format!("<member>{}{}</member>", element("OutputKey", name), element("OutputValue", value))
        });
        [
            "<member>".to_owned(),
            element("StackId", id),
            element("StackName", &self.name),
            element("CreationTime", &self.created.to_string()),
            element("StackStatus", self.status.as_str()),
            element_if("StackStatusReason", self.reason.as_ref()),
            format!("<Parameters>{}</Parameters>", parameters.collect::<String>()),
            format!("<Outputs>{}</Outputs></member>", outputs.collect::<String>()),
        ]
        .concat()
    }
}

impl Event {
    fn shown(&self, number: usize, stack_id: &str, stack: &Stack) -> String {
        [
            "<member>".to_owned(),
            element("StackId", stack_id),
            element("EventId", &number.to_string()),
            element("StackName", &stack.name),
            element("LogicalResourceId", &self.resource),
            element("ResourceType", &self.kind),
            element("Timestamp", &self.at.to_string()),
            element("ResourceStatus", self.status),
            element_if("ResourceStatusReason", self.reason.as_ref()),
            "</member>".to_owned(),
        ]
        .concat()
    }
}

#[cfg(test)]
mod tests;
